import type { TestContext } from 'node:test'
import postgres from 'postgres'

/** Any number, as long as every test that changes the role takes the same. */
const LOCK = 7_202_612

/**
 * Waits until no other test changes `latchkey_app` on the server at `DATABASE_URL`, and keeps it so until
 * the test `t` ends: databases of their own do not part tests here, since a role is the server's. The
 * role stays there afterwards, because another test's database may use it.
 */
export async function lockAppRole(t: TestContext): Promise<void> {
  const server = process.env['DATABASE_URL']
  if (!server) throw new Error('DATABASE_URL is not set.')
  const sql = postgres(server, { max: 1, onnotice: () => {} })
  t.after(() => sql.end())
  await sql.unsafe(`SELECT pg_advisory_lock(${LOCK})`)
}
