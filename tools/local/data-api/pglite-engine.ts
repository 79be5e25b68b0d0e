import { PGlite } from '@electric-sql/pglite'
import type { Engine, Session } from './engine.ts'
import { createSemaphore } from './semaphore.ts'

/**
 * Opens the embedded Postgres. `dataDir` is its folder, created if it does not exist (several seconds);
 * without it the database lives in memory, and starts from `dump` if there is one.
 */
export async function openPglite(dataDir?: string, dump?: Blob): Promise<Engine> {
  const database = await PGlite.create({
    ...(dataDir !== undefined && { dataDir }),
    ...(dump !== undefined && { loadDataDir: dump }),
  })
  return pgliteEngine(database)
}

/** PGlite has a single session: the next caller waits until it is released. */
export async function pgliteEngine(database: PGlite): Promise<Engine> {
  await database.exec("SET TIME ZONE 'UTC'")
  // Text in and text out: parameters.ts and records.ts alone decide what becomes of a value.
  const asText = (handlers: object) =>
    Object.fromEntries(Object.keys(handlers).map((typeOid) => [typeOid, (text: string) => text]))
  const parsers = asText(database.parsers)
  const serializers = asText(database.serializers)
  const acquire = createSemaphore(1)

  async function session(): Promise<Session> {
    const release = await acquire()
    return {
      async query(text, values = []) {
        const { fields, rows, command, affectedRows } = await database.query<(string | null)[]>(
          text,
          values.map(({ value }) => value),
          {
            paramTypes: values.map(({ typeOid }) => typeOid),
            rowMode: 'array',
            parsers,
            serializers,
          },
        )
        return {
          command: command ?? '',
          affectedRows: affectedRows ?? 0,
          columns: fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID })),
          rows,
        }
      },
      release,
    }
  }

  return { description: 'embedded Postgres (PGlite)', session, close: () => database.close() }
}
