import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sqlStateOf } from '../../lib/faults/faults.ts'
import type { Database, Execute } from './data-api-database.ts'
import { inLockedTransaction, UncertainCommit } from './locked-transaction.ts'
import { retryWhileResuming, type Waiting } from './resuming.ts'
import { splitStatements } from './sql.ts'

/** Options of {@link applyMigrations}. */
export interface MigrateOptions extends Waiting {
  /** The folder of the `*.sql` files: `migrations/`, except in tests. */
  readonly folder?: string
  /** Reports what would be done, and does nothing. */
  readonly dryRun?: boolean
}

interface Migration {
  /** The file's name, by which it is recorded. */
  readonly name: string
  readonly sha256: string
  readonly statements: readonly string[]
}

const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url))

const CREATE_RECORDS = `CREATE TABLE IF NOT EXISTS latchkey_migrations (
  name TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)`

/** Returns a row if the file was not recorded before. */
const RECORD = `INSERT INTO latchkey_migrations (name, sha256) VALUES (:name, :sha256)
ON CONFLICT DO NOTHING RETURNING name`

const SELECT_RECORDS = 'SELECT name, sha256 FROM latchkey_migrations ORDER BY name'

const UNDEFINED_TABLE = '42P01'
const LOCK_NOT_AVAILABLE = '55P03'

/** Attempts at a file that waits for a table, and the pause between them. */
const LOCK_ATTEMPTS = 6
const LOCK_PAUSE_MILLISECONDS = 5000

/**
 * Applies the folder's `*.sql` in the order of their names, each once and in one transaction with its
 * record. Resolves with the names of those applied now, or of those that would be (`dryRun`). With nothing
 * to apply it makes one SELECT. Waits for a resuming database, and for another migrating process.
 *
 * A file that fails changes nothing, and the files before it stay applied. One that cannot lock a table is
 * retried for about a minute. A file that was changed after it was applied is an error before anything is applied.
 * A record without a file is only reported, so that an earlier version can be deployed again.
 */
export async function applyMigrations(
  database: Database,
  { folder = MIGRATIONS_FOLDER, dryRun = false, say = () => {}, ...rest }: MigrateOptions = {},
): Promise<string[]> {
  const waiting = { say, ...rest }
  const migrations = await readMigrations(folder)
  const records = await retryWhileResuming(() => readRecords(database.execute), waiting)
  for (const migration of migrations) rejectChanged(migration, records)
  for (const name of records.keys()) {
    if (migrations.some((migration) => migration.name === name)) continue
    say(`${name} is applied and not in the folder: this version is older, or renamed it`)
  }

  const applied: string[] = []
  for (const migration of migrations) {
    if (records.has(migration.name)) continue
    if (dryRun) say(`Would apply ${migration.name}`)
    else if (!(await applyForCertain(database, migration, waiting))) continue
    else say(`Applied ${migration.name}`)
    applied.push(migration.name)
  }
  return applied
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => {
      // Git may have made CRLF of the line ends here, and not where the file was applied.
      const sql = (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n')
      const sha256 = createHash('sha256').update(sql).digest('hex')
      return { name, sha256, statements: splitStatements(sql) }
    }),
  )
}

/** The hash of each applied file, by its name. */
async function readRecords(execute: Execute): Promise<ReadonlyMap<string, string>> {
  try {
    const rows = await execute(SELECT_RECORDS)
    return new Map(rows.map(([name, sha256]) => [String(name), String(sha256)]))
  } catch (error) {
    if (sqlStateOf(error) === UNDEFINED_TABLE) return new Map()
    throw error
  }
}

function rejectChanged({ name, sha256 }: Migration, records: ReadonlyMap<string, string>): void {
  if ((records.get(name) ?? sha256) === sha256) return
  throw new Error(
    `The migration ${name} was changed after it was applied. Restore it, and make the change in a new migration.`,
  )
}

/**
 * Applies a file, and retries if COMMIT's response was lost, when the record decides, or if a table was in use
 * for longer than the lock timeout.
 */
async function applyForCertain(
  database: Database,
  migration: Migration,
  waiting: Waiting,
): Promise<boolean> {
  const attempt = () =>
    inLockedTransaction(database, waiting, (execute) => apply(execute, migration))
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof UncertainCommit) {
        await attempt()
        return true
      }
      const isLocked = error instanceof Error && sqlStateOf(error.cause) === LOCK_NOT_AVAILABLE
      if (!isLocked || attempts === LOCK_ATTEMPTS) throw error
      const { say = () => {}, wait = sleep } = waiting
      say(`${migration.name} waits for a table that is in use`)
      await wait(LOCK_PAUSE_MILLISECONDS)
    }
  }
}

/** Applies a file. Returns `false` if another process has applied it in the meantime. */
async function apply(execute: Execute, migration: Migration): Promise<boolean> {
  const { name, sha256, statements } = migration
  await execute(CREATE_RECORDS)
  if ((await execute(RECORD, { name, sha256 })).length === 0) {
    rejectChanged(migration, await readRecords(execute))
    return false
  }
  for (const [index, statement] of statements.entries()) {
    await execute(statement).catch((cause: unknown) => {
      const where = `statement ${index + 1} of ${statements.length}`
      throw new Error(`The migration ${name} failed at ${where}: ${reasonOf(cause)}`, { cause })
    })
  }
  return true
}

/** Postgres's message, which ends with the SQLSTATE; for any other error its class too. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return sqlStateOf(error) === undefined ? `${error.name}: ${error.message}` : error.message
}
