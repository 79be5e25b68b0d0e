import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import postgres from 'postgres'

const SERVER = process.env['DATABASE_URL']

/** For a test's `skip`: the reason where there is no Postgres server, else `false`. */
export const NO_SERVER =
  !SERVER && 'DATABASE_URL is not set: this test needs a Postgres server with several connections'

/**
 * Creates an empty database on the server at `DATABASE_URL` and resolves with its URL; it is dropped
 * after the test `t`. So tests neither meet one another nor touch what else is on that server.
 */
export async function temporaryDatabase(t: TestContext): Promise<string> {
  if (!SERVER) throw new Error('DATABASE_URL is not set.')
  const name = `latchkey_test_${randomBytes(6).toString('hex')}`
  const sql = postgres(SERVER, { max: 1, onnotice: () => {} })
  await sql.unsafe(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
  t.after(async () => {
    await sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`)
    await sql.end()
  })
  const url = new URL(SERVER)
  url.pathname = `/${name}`
  return url.href
}
