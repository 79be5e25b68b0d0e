import { randomBytes } from 'node:crypto'
import postgres from 'postgres'

const SERVER = process.env['DATABASE_URL']

/** A test's `skip`: the reason if there is no Postgres server, otherwise `false`. */
export const NO_SERVER = !SERVER && 'DATABASE_URL names no Postgres server'

/** Returns a test's `skip`: the reason if the user of `DATABASE_URL` is not a superuser, otherwise `false`. */
export async function noSuperuser(): Promise<string | false> {
  const sql = postgres(SERVER ?? '', { max: 1 })
  const [row] = await sql`SHOW is_superuser`
  await sql.end()
  return row?.['is_superuser'] !== 'on' && 'the user of DATABASE_URL is not a superuser'
}

/** Registers clean-ups: a test's context, or a program's own object. */
export interface CleanUps {
  after(cleanUp: () => Promise<void>): void
}

/**
 * Creates an empty database on the server at `DATABASE_URL` and resolves with its URL; it is dropped after `t`. Tests
 * are isolated from one another and from the server's other databases. The encoding is UTF-8, and the locale C.UTF-8,
 * in which lower() knows every letter, if the server has it.
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
