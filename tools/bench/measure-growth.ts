import { randomBytes } from 'node:crypto'
import { type CleanUps, temporaryDatabase } from '../../test/support/temporary-database.ts'
import { toPositional } from '../local/data-api/named-parameters.ts'
import { connectPostgres } from '../local/data-api/postgres-engine.ts'
import { serveMigrated } from '../local/migrated-data-api.ts'
import { now } from './clock.ts'
import { type Figure, KB, type Missing, NEEDS_SERVER } from './figures.ts'
import { captureCall } from './floor-request.ts'
import type { Rig } from './rig.ts'
import { newUsername } from './sign-up-events.ts'
import { median, summariseRatios } from './statistics.ts'
import { inTurns } from './turns.ts'

const WHAT = 'the statement at'
const WARM_UP = 50

/** The text of a bcrypt hash, of which the database knows no more than its length of 60. */
const newHash = () => `$2b$12$${randomBytes(40).toString('hex').slice(0, 53)}`

/** The names are of 16 letters and in no order, so the index grows as it does in life. */
const FILL = `
INSERT INTO users (username, password)
SELECT substr(md5(n::text), 1, 16), rpad('$2b$12$', 60, 'x') FROM generate_series(1, $1::int) n`

/** The statement's time with `users` rows in the table against an empty one, and the size of the indexes. */
export async function measureGrowth(
  rig: Rig,
  rounds: number,
  users: number,
): Promise<readonly (Figure | Missing)[]> {
  const count = users.toLocaleString('en-US')
  if (!rig.databaseUrl) return [{ what: `${WHAT} ${count} users ÷ at none`, missing: NEEDS_SERVER }]

  const { call } = await captureCall(rig)
  const { text, names } = toPositional(JSON.parse(call.body).sql)
  const [empty, full] = [await openTable(rig.cleanUps), await openTable(rig.cleanUps)]
  await full.query(FILL, [String(users)])
  await full.query('VACUUM (ANALYZE) users')
  // So that the server is not still writing them; a user who may not ask for it measures that too.
  await full.query('CHECKPOINT').catch(() => {})

  const insert = (table: typeof full) => async () => {
    const values = new Map([
      ['username', newUsername()],
      ['password', newHash()],
    ])
    const bound = names.map((name) => values.get(name) ?? null)
    const start = now()
    await table.query(text, bound)
    return now() - start
  }
  await inTurns(WARM_UP, insert(full), insert(empty))
  const { first, second } = await inTurns(rounds, insert(full), insert(empty))
  const sizes = await full.query(
    `SELECT pg_table_size('users'), pg_relation_size('users_lower_username_key'), pg_relation_size('users_pkey')`,
  )
  const [table, byName, byId] = (sizes[0] ?? []).map((bytes) =>
    (Number(bytes) / KB ** 2).toFixed(0),
  )
  return [
    {
      what: `${WHAT} ${count} users ÷ at none`,
      summary: summariseRatios(first, second),
      unit: '',
      digits: 2,
      atMost: 1.5,
      detail: `${median(first).toFixed(2)} ms ÷ ${median(second).toFixed(2)} ms; table ${table} MB, index on names ${byName} MB, on ids ${byId} MB`,
    },
  ]
}

/** A migrated database of its own. */
async function openTable(cleanUps: CleanUps) {
  const engine = await connectPostgres(await temporaryDatabase(cleanUps))
  const dataApi = await serveMigrated(engine, 'latchkey', () => {})
  cleanUps.after(dataApi.close)
  const session = await engine.session()
  cleanUps.after(async () => session.release())
  return {
    async query(text: string, values: readonly (string | null)[] = []) {
      const bound = values.map((value) => ({ typeOid: value === null ? 0 : 1043, value }))
      return (await session.query(text, bound)).rows
    },
  }
}
