import { type Database, type Execute, sqlStateOf } from './data-api-database.ts'
import { inLockedTransaction, UncertainCommit } from './locked-transaction.ts'
import { MIGRATIONS_FOLDER, type Migration, readMigrations } from './migration-files.ts'
import { onceAwake, type Patience, SILENT } from './patience.ts'

export interface MigrateOptions extends Partial<Patience> {
  readonly folder?: string
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean
}

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

/**
 * Applies the folder's `*.sql` in the order of their names, each once and in one transaction with its
 * record, and resolves with the names of those applied now (or that would be: `dryRun`). With nothing
 * to apply that is a single SELECT. Waits for a paused database, and for another process that migrates.
 *
 * A file that fails leaves nothing behind, those before it stay. A file that was changed after it was
 * applied is an error before anything is applied. A record without a file is only said: so it is when an
 * earlier version is deployed again, which a migrated database must not prevent.
 */
export async function migrate(
  database: Database,
  { folder = MIGRATIONS_FOLDER, dryRun = false, ...patience }: MigrateOptions = {},
): Promise<string[]> {
  const patient = { ...SILENT, ...patience }
  const migrations = await readMigrations(folder)
  const records = await onceAwake(() => readRecords(database.execute), patient)
  for (const migration of migrations) refuseChanged(migration, records)
  for (const name of records.keys()) {
    if (migrations.some((migration) => migration.name === name)) continue
    patient.say(`${name} was applied before, and is not here: this version is older, or renamed it`)
  }

  const applied: string[] = []
  for (const migration of migrations) {
    if (records.has(migration.name)) continue
    if (dryRun) patient.say(`Would apply ${migration.name}`)
    else if (!(await applyForCertain(database, migration, patient))) continue
    applied.push(migration.name)
  }
  return applied
}

/** The hash by name of each file that was applied. */
async function readRecords(execute: Execute): Promise<ReadonlyMap<string, string>> {
  try {
    const rows = await execute(SELECT_RECORDS)
    return new Map(rows.map(([name, sha256]) => [String(name), String(sha256)]))
  } catch (error) {
    if (sqlStateOf(error) === UNDEFINED_TABLE) return new Map()
    throw error
  }
}

function refuseChanged({ name, sha256 }: Migration, records: ReadonlyMap<string, string>): void {
  if ((records.get(name) ?? sha256) === sha256) return
  throw new Error(
    `The migration ${name} was changed after it had been applied. Put it back, and write the change as a migration of its own.`,
  )
}

/** Where COMMIT's answer is lost, a second attempt finds the record or applies the file after all. */
async function applyForCertain(
  database: Database,
  migration: Migration,
  patience: Patience,
): Promise<boolean> {
  const attempt = () =>
    inLockedTransaction(database, patience, (execute) => apply(execute, migration))
  let isApplied: boolean
  try {
    isApplied = await attempt()
  } catch (error) {
    if (!(error instanceof UncertainCommit)) throw error
    await attempt()
    isApplied = true
  }
  if (isApplied) patience.say(`Applied ${migration.name}`)
  return isApplied
}

/** Whether it was still to be applied: another process may have been faster. */
async function apply(execute: Execute, migration: Migration): Promise<boolean> {
  const { name, sha256, statements } = migration
  await execute(CREATE_RECORDS)
  if ((await execute(RECORD, { name, sha256 })).length === 0) {
    refuseChanged(migration, await readRecords(execute))
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

/** Postgres's words, which end in the SQLSTATE; of any other error the class too. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return sqlStateOf(error) === undefined ? `${error.name}: ${error.message}` : error.message
}
