import { type Database, sqlStateOf } from './data-api-database.ts'
import { inLockedTransaction } from './locked-transaction.ts'
import { type Patience, SILENT } from './patience.ts'
import { scramVerifier } from './scram-verifier.ts'

const APP_ROLE = 'latchkey_app'

/** Printable ASCII, which SASLprep leaves as it is; long enough that a leaked verifier is no loss. */
const PASSWORD = /^[!-~]{32,256}$/

const UNDEFINED_OBJECT = '42704'

/**
 * The password in the role's secret, JSON of `username` and `password` as the Data API reads it. Throws
 * a sentence for people, which quotes nothing, if the secret is anything else.
 */
export function parseAppSecret(text: string): string {
  const { username, password } = parseObject(text)
  if (username !== APP_ROLE) throw new Error(`The role's secret is not that of ${APP_ROLE}.`)
  if (typeof password === 'string' && PASSWORD.test(password)) return password
  throw new Error(
    `The secret of ${APP_ROLE} needs a password of 32 or more printable ASCII characters.`,
  )
}

/**
 * Lets the role that 002-app-role.sql created log in, with that password. Done each time: what is set
 * already cannot be read (Aurora's master may not see pg_authid), to set it again ends no connection,
 * and it takes back what the role may have done to its own password.
 *
 * The statement holds a SCRAM verifier, never the password, so it may be in any log. NOSUPERUSER is not
 * in it, since only a superuser may write that, which Aurora's master is not; CREATE ROLE has seen to it.
 */
export async function setUpAppRole(
  database: Database,
  password: string,
  patience: Patience = SILENT,
): Promise<void> {
  const sql = `ALTER ROLE ${APP_ROLE} LOGIN NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD '${scramVerifier(password)}'`
  try {
    // Two at once would be "tuple concurrently updated"; hence the lock.
    await inLockedTransaction(database, patience, (execute) => execute(sql))
  } catch (error) {
    if (sqlStateOf(error) !== UNDEFINED_OBJECT) throw error
    throw new Error(
      `There is no role ${APP_ROLE}, though 002-app-role.sql is recorded as applied; a dump, for one, does not hold roles. Delete the records of the files with app-role in their names from latchkey_migrations, and migrate again.`,
      { cause: error },
    )
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // Its message would quote the secret's beginning.
  }
  throw new Error(`The secret of ${APP_ROLE} is no JSON object.`)
}
