import { sqlStateOf } from '../../lib/faults/faults.ts'
import type { Database } from '../database/data-api-database.ts'
import { inLockedTransaction } from '../database/locked-transaction.ts'
import type { Waiting } from '../database/resuming.ts'
import { APP_ROLE } from '../database/schema.ts'
import { scramVerifier } from './scram-verifier.ts'

/** Printable ASCII, which SASLprep leaves unchanged, and long enough to make a leaked verifier useless. */
const PASSWORD = /^[!-~]{32,256}$/

const UNDEFINED_OBJECT = '42704'

/**
 * Reads the password in the role's secret, which is JSON of `username` and `password` as the Data API reads it.
 * Throws an error that quotes nothing if the secret is anything else.
 */
export function parseAppSecret(text: string): string {
  const { username, password } = parseObject(text)
  if (username !== APP_ROLE) throw new Error(`The secret's username is not ${APP_ROLE}.`)
  if (typeof password === 'string' && PASSWORD.test(password)) return password
  throw new Error(
    `The secret of ${APP_ROLE} needs a password of 32 or more printable ASCII characters.`,
  )
}

/** Every role may set parameters for its own future sessions, such as default_transaction_read_only. */
const RESET_PARAMETERS = [
  `ALTER ROLE ${APP_ROLE} RESET ALL`,
  `DO $$ BEGIN
    EXECUTE format('ALTER ROLE ${APP_ROLE} IN DATABASE %I RESET ALL', current_database());
  END $$`,
]

/**
 * Lets the role of 002-app-role.sql log in with that password and the server's parameters. Safe to repeat, and done
 * at each migration: the current password cannot be read (Aurora's master may not read pg_authid), a repeat closes no
 * connection, and it undoes changes that the role made to itself. Open sessions keep their parameters.
 *
 * The first statement holds a SCRAM verifier and not the password, so it may be logged. It leaves out NOSUPERUSER,
 * which only a superuser may write; CREATE ROLE has that by default.
 */
export async function setUpAppRole(
  database: Database,
  password: string,
  waiting: Waiting = {},
): Promise<void> {
  const sql = `ALTER ROLE ${APP_ROLE} LOGIN NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD '${scramVerifier(password)}'`
  try {
    // Locked, since two at once fail with "tuple concurrently updated".
    await inLockedTransaction(database, waiting, async (execute) => {
      for (const statement of [sql, ...RESET_PARAMETERS]) await execute(statement)
    })
  } catch (error) {
    if (sqlStateOf(error) !== UNDEFINED_OBJECT) throw error
    throw new Error(
      `There is no role ${APP_ROLE}, though 002-app-role.sql is recorded as applied; a dump does not contain roles. Delete the records of the files with app-role in their names from latchkey_migrations, and migrate again.`,
      { cause: error },
    )
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // The error's message quotes the start of the secret.
  }
  throw new Error(`The secret of ${APP_ROLE} is not a JSON object.`)
}
