import postgres from 'postgres'
import type { Engine, Session } from './engine.ts'

/** Connections at the most; the next caller waits for one to be released. */
const MAX_CONNECTIONS = 20

/** Connects to the Postgres server at `url` (`postgres://user:password@host:port/database`). */
export async function connectPostgres(url: string): Promise<Engine> {
  const sql = postgres(url, {
    max: MAX_CONNECTIONS,
    connect_timeout: 5,
    fetch_types: false,
    onnotice: () => {},
    connection: { TimeZone: 'UTC', application_name: 'latchkey local Data API' },
  })

  async function session(): Promise<Session> {
    const connection = await sql.reserve()
    return {
      async query(text, values = []) {
        const result = await connection
          .unsafe(
            text,
            values.map(({ value, typeOid }) => sql.typed(value, typeOid)),
            // Unprepared, so that a table changed by a later migration never meets a stale plan.
            { prepare: false },
          )
          .raw()
        const rows: (string | null)[][] = []
        for (const row of result) {
          rows.push(Array.from(row, (value) => (value === null ? null : value.toString())))
        }
        return {
          command: result.command,
          affectedRows: result.command === 'SELECT' ? 0 : (result.count ?? 0),
          columns: (result.columns ?? []).map(({ name, type }) => ({ name, typeOid: type })),
          rows,
        }
      },
      async script(text) {
        await connection.unsafe(text).simple()
      },
      release: () => connection.release(),
    }
  }

  try {
    const { host, pathname } = new URL(url)
    await sql`SELECT 1`
    return {
      description: `Postgres server at ${host}${pathname}`,
      session,
      close: () => sql.end({ timeout: 5 }),
    }
  } catch (error) {
    await sql.end({ timeout: 0 })
    throw error
  }
}
