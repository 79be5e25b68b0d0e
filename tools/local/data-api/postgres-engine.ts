import postgres from 'postgres'
import type { Engine, Session } from './engine.ts'
import { createSemaphore } from './semaphore.ts'

/** Maximum number of connections. The next caller waits until one is released. */
const MAX_CONNECTIONS = 20

/** AWS ends a statement after 45 s. */
const STATEMENT_MILLISECONDS = 45_000

/** Text in, text out, for the types that postgres.js would convert. */
const AS_TEXT = {
  to: 25,
  from: [16, 17, 21, 23, 26, 114, 700, 701, 1082, 1114, 1184, 3802],
  serialize: (text: string) => text,
  parse: (text: string) => text,
}

/**
 * The extended protocol, in which the server rejects a second statement. Unprepared, so that a table changed by a
 * later migration never meets a stale plan.
 */
const EXTENDED = { simple: false, prepare: false }

/** Connects to the Postgres server at `url` (`postgres://user:password@host:port/database`). */
export async function connectPostgres(url: string): Promise<Engine> {
  const { host, pathname } = new URL(url)
  const acquire = createSemaphore(MAX_CONNECTIONS)
  const connections: Connection[] = []
  const idle: Connection[] = []

  function idleOrNew(): Connection {
    let connection = idle.pop()
    while (connection?.lost) connection = idle.pop()
    if (connection !== undefined) return connection
    const created = connect(url)
    connections.push(created)
    return created
  }

  async function session(): Promise<Session> {
    const release = await acquire()
    const connection = idleOrNew()
    return {
      async query(text, values = []) {
        const { sql } = unlessLost(connection)
        const result = await sql
          .unsafe(
            text,
            values.map(({ value, typeOid }) => sql.typed(value, typeOid)),
            EXTENDED,
          )
          .raw()
        return {
          command: result.command ?? '',
          affectedRows: result.command === 'SELECT' ? 0 : (result.count ?? 0),
          columns: (result.columns ?? []).map(({ name, type }) => ({ name, typeOid: type })),
          rows: result.map((row) => Array.from(row, (value) => value?.toString() ?? null)),
        }
      },
      async run(text) {
        await unlessLost(connection).sql.unsafe(text).simple()
      },
      async release() {
        idle.push(connection)
        release()
      },
    }
  }

  async function close(timeout = 5): Promise<void> {
    // postgres.js would wait for the response of a lost connection.
    const sound = connections.filter(({ lost }) => !lost)
    await Promise.all(sound.map(({ sql }) => sql.end({ timeout })))
  }

  try {
    const first = await session()
    await first.query('SELECT 1').finally(first.release)
    const description = `Postgres server at ${host}${pathname}`
    return { description, session, close: () => close() }
  } catch (error) {
    await close(0)
    throw error
  }
}

interface Connection {
  readonly sql: postgres.Sql
  lost: boolean
}

/**
 * Opens one connection that is never replaced. postgres.js would silently reconnect, and a statement would run
 * outside its transaction. Its own pool reuses a reserved connection that was lost, and throws where no caller
 * can catch it.
 */
function connect(url: string): Connection {
  const sql = postgres(url, {
    max: 1,
    max_lifetime: null,
    connect_timeout: 5,
    fetch_types: false,
    types: { text: AS_TEXT },
    onnotice: () => {},
    onclose: () => {
      connection.lost = true
    },
    connection: {
      TimeZone: 'UTC',
      application_name: 'latchkey local Data API',
      statement_timeout: STATEMENT_MILLISECONDS,
    },
  })
  const connection: Connection = { sql, lost: false }
  return connection
}

function unlessLost(connection: Connection): Connection {
  if (connection.lost) throw new Error('The connection to the Postgres server was lost.')
  return connection
}
