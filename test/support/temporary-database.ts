import { randomBytes } from 'node:crypto'
import postgres from 'postgres'

const SERVER = process.env['DATABASE_URL']

/** For a test's `skip`: the reason where there is no Postgres server, else `false`. */
export const NO_SERVER = !SERVER && 'DATABASE_URL names no Postgres server'

/** For a test's `skip` within it: the reason where the user of `DATABASE_URL` is no superuser, else `false`. */
export async function noSuperuser(): Promise<string | false> {
  const sql = postgres(SERVER ?? '', { max: 1 })
  const [row] = await sql`SHOW is_superuser`
  await sql.end()
  return row?.['is_superuser'] !== 'on' && 'the user of DATABASE_URL is no superuser'
}

/** What takes note of a clean-up: a test's context, or a program's own. */
export interface CleanUps {
  after(cleanUp: () => Promise<void>): void
}

/**
 * Creates an empty database on the server at `DATABASE_URL` and resolves with its URL; it is dropped
 * after the test `t`, or what stands for one. So tests neither meet one another nor touch what else is
 * on that server. UTF-8, and of the locale C.UTF-8, in which lower() knows every letter, where the server
 * has that.
 */
export async function temporaryDatabase(t: CleanUps, locale = 'C.UTF-8'): Promise<string> {
  if (!SERVER) throw new Error('DATABASE_URL is not set.')
  const name = `latchkey_test_${randomBytes(6).toString('hex')}`
  const sql = postgres(SERVER, { max: 1, onnotice: () => {} })
  t.after(async () => {
    try {
      await sql.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    } finally {
      await sql.end()
    }
  })
  const create = `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`
  try {
    await sql.unsafe(`${create} LC_COLLATE '${locale}' LC_CTYPE '${locale}'`)
  } catch {
    await sql.unsafe(create)
  }
  const url = new URL(SERVER)
  url.pathname = `/${name}`
  return url.href
}
