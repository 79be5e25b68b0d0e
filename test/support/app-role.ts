import type { TestContext } from 'node:test'
import postgres from 'postgres'

/** Any number shared by all tests that change the role. */
const LOCK = 7_202_612

/**
 * Locks `latchkey_app` on the server at `DATABASE_URL` until the test `t` ends, and waits for other tests first. A
 * database per test does not isolate them here, since a role belongs to the server. The role is not dropped, because
 * another test's database may use it.
 */
export async function lockAppRole(t: TestContext): Promise<void> {
  const server = process.env['DATABASE_URL']
  if (!server) throw new Error('DATABASE_URL is not set.')
  const sql = postgres(server, { max: 1, onnotice: () => {} })
  t.after(() => sql.end())
  await sql.unsafe(`SELECT pg_advisory_lock(${LOCK})`)
}
