import { PGlite, protocol } from '@electric-sql/pglite'
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
  // Text in, text out: only parameters.ts and records.ts convert values. Set once, because PGlite copies all 300
  // handlers for each query that has its own.
  for (const handlers of [database.parsers, database.serializers]) {
    for (const typeOid of Object.keys(handlers)) handlers[Number(typeOid)] = (text: string) => text
  }
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
          },
        )
        return {
          command: command ?? '',
          affectedRows: affectedRows ?? 0,
          columns: fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID })),
          rows,
        }
      },
      async run(text) {
        await database.execProtocol(protocol.serialize.query(text), { syncToFs: false })
      },
      release: async () => release(),
    }
  }

  return { description: 'embedded Postgres (PGlite)', session, close: () => database.close() }
}
