import { PGlite } from '@electric-sql/pglite'
import type { Engine, Session } from './engine.ts'

/**
 * Opens the embedded Postgres. `dataDir` is its folder, created if it is not there (several seconds);
 * without one the database lives in memory. PGlite has a single session: the next caller waits until
 * the one before has released it.
 */
export async function openPglite(dataDir?: string): Promise<Engine> {
  const database = await PGlite.create(dataDir === undefined ? {} : { dataDir })
  await database.exec("SET TIME ZONE 'UTC'")
  // Every value as the text that Postgres sent: fields.ts alone decides what becomes of it.
  const parsers = Object.fromEntries(
    Object.keys(database.parsers).map((typeOid) => [typeOid, (text: string) => text]),
  )

  let free: Promise<void> = Promise.resolve()

  async function session(): Promise<Session> {
    const turn = free
    const { promise, resolve: release } = Promise.withResolvers<void>()
    free = turn.then(() => promise)
    await turn
    return {
      async query(text, values = []) {
        const { fields, rows, command, affectedRows } = await database.query<(string | null)[]>(
          text,
          values.map(({ value }) => value),
          { paramTypes: values.map(({ typeOid }) => typeOid), rowMode: 'array', parsers },
        )
        return {
          command: command ?? '',
          affectedRows: affectedRows ?? 0,
          columns: fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID })),
          rows,
        }
      },
      async script(text) {
        await database.exec(text)
      },
      release,
    }
  }

  return { description: 'embedded Postgres (PGlite)', session, close: () => database.close() }
}
