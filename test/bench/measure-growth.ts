import { randomBytes } from 'node:crypto'
import { toPositional } from '../../tools/local/data-api/named-parameters.ts'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { migrateThroughDataApi } from '../../tools/local/migrated-data-api.ts'
import { temporaryDatabase } from '../support/temporary-database.ts'
import { type FloorRequest, now } from './handler-process.ts'
import { newUsername } from './measure-sign-ups.ts'
import type { Rig } from './rig.ts'
import { inTurns, median, type Row, summariseRatios } from './statistics.ts'

/** Names of 16 letters in no order, so that the index grows as in production. */
const FILL = `
INSERT INTO users (username, username_key, password)
SELECT name, name, rpad('$2b$12$', 60, 'x')
FROM (SELECT substr(md5(n::text), 1, 16) AS name FROM generate_series(1, $1::int) n) names`

/** The sign-up's statement with `users` rows in the table against an empty one. */
export async function measureGrowth(
  rig: Rig,
  call: FloorRequest['call'],
  pairs: number,
  users: number,
): Promise<Row> {
  const { text, names } = toPositional(JSON.parse(call.body).sql)
  const [empty, full] = [await openTable(rig), await openTable(rig)]
  await full(FILL, [String(users)])
  await full('VACUUM (ANALYZE) users')
  // So that the server is not still writing; a user without the right measures that too.
  await full('CHECKPOINT').catch(() => {})

  const insert = (query: typeof full) => async () => {
    const username = newUsername()
    const values: Readonly<Record<string, string>> = {
      username,
      usernameKey: username,
      password: `$2b$12$${randomBytes(40).toString('hex').slice(0, 53)}`,
    }
    const bound = names.map((name) => values[name] ?? null)
    const start = now()
    await query(text, bound)
    return now() - start
  }
  await inTurns(50, insert(full), insert(empty))
  const { first, second } = await inTurns(pairs, insert(full), insert(empty))
  const [sizes = []] = await full(
    `SELECT pg_table_size('users'), pg_relation_size('users_lower_username_key') + pg_relation_size('users_username_key_key'), pg_relation_size('users_pkey')`,
  )
  const [table, byName, byId] = sizes.map((bytes) => `${(Number(bytes) / 1e6).toFixed(0)} MB`)
  return {
    what: `the statement at ${users.toLocaleString('en-US')} users ÷ at none`,
    summary: summariseRatios(first, second),
    digits: 2,
    atMost: 1.5,
    detail: `${median(first).toFixed(2)} ms ÷ ${median(second).toFixed(2)} ms; table ${table}, both indexes on names ${byName}, on ids ${byId}`,
  }
}

/** Opens a migrated database of its own; resolves with the function that queries it. */
async function openTable({ cleanUps }: Rig) {
  const engine = await connectPostgres(await temporaryDatabase(cleanUps))
  cleanUps.after(() => engine.close())
  await migrateThroughDataApi(engine, 'latchkey', () => {})
  const session = await engine.session()
  cleanUps.after(session.release)
  return async (text: string, values: readonly (string | null)[] = []) => {
    const bound = values.map((value) => ({ typeOid: value === null ? 0 : 25, value }))
    return (await session.query(text, bound)).rows
  }
}
