import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Engine, Session } from './data-api/engine.ts'

const FOLDER = fileURLToPath(new URL('../migrations/', import.meta.url))

/** Any number, as long as every process that migrates takes the same. */
const LOCK = 7_202_611

/**
 * Applies the folder's `*.sql` in the order of their names, each once, and returns the names of those
 * that were applied now. All happens in one transaction, under a lock that makes a second process wait:
 * a failure leaves nothing behind. Throws if a file was changed after it had been applied.
 */
export async function migrate(engine: Engine, folder = FOLDER): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const session = await engine.session()
  try {
    await session.query('BEGIN')
    await session.query(`SELECT pg_advisory_xact_lock(${LOCK})`)
    await session.query(
      `CREATE TABLE IF NOT EXISTS latchkey_migrations (
        name TEXT PRIMARY KEY,
        sha256 TEXT NOT NULL,
        applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
      )`,
    )
    const applied = []
    for (const name of files) {
      if (await applyOnce(session, folder, name)) applied.push(name)
    }
    await session.query('COMMIT')
    return applied
  } catch (error) {
    // It fails too if the connection is lost, which says less than the error before it.
    await session.query('ROLLBACK').catch(() => {})
    throw error
  } finally {
    session.release()
  }
}

async function applyOnce(session: Session, folder: string, name: string): Promise<boolean> {
  const sql = await readFile(join(folder, name), 'utf8')
  const sha256 = createHash('sha256').update(sql).digest('hex')
  const known = await session.query('SELECT sha256 FROM latchkey_migrations WHERE name = $1', [
    varchar(name),
  ])
  const recorded = known.rows[0]?.[0]
  if (recorded === sha256) return false
  if (recorded !== undefined) {
    throw new Error(
      `The migration ${name} was changed after it had been applied. Put it back, and write the change as a migration of its own.`,
    )
  }
  try {
    await session.script(sql)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`The migration ${name} failed: ${reason}`, { cause })
  }
  await session.query('INSERT INTO latchkey_migrations (name, sha256) VALUES ($1, $2)', [
    varchar(name),
    varchar(sha256),
  ])
  return true
}

const varchar = (value: string) => ({ typeOid: 1043, value })
