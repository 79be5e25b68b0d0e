import type { Field } from '@aws-sdk/client-rds-data'
import type {
  Account,
  AttemptCounter,
  Attempts,
  KeyedUsername,
  NewUser,
  User,
} from '../accounts/account.ts'
import { ATTEMPT_LIMITS } from '../accounts/attempts.ts'
import { sqlStateOf } from '../faults/faults.ts'
import type { Row, Values } from './data-api.ts'

/**
 * One statement that stores a user or finds the name taken, and is safe to retry.
 *
 * On a conflict it returns a row only if the stored hash is the hash of this request. The 128-bit random
 * salt makes that hash unique to the request, so:
 * - between concurrent requests the statement is atomic: no row means that another account has the name;
 * - after a lost response it can be retried: the row with this hash is there, and is returned.
 * The update writes the stored name over itself, since `DO NOTHING` would return no row.
 */
const INSERT_USER = `
INSERT INTO users (username, username_key, password, idempotency_key_sha256)
VALUES (:username, :usernameKey, :password, :idempotencyKey)
ON CONFLICT (username_key) DO UPDATE SET username = users.username
WHERE users.password = EXCLUDED.password
RETURNING id, username`

/** Returns a statement that also starts a session of the user whose row `statement` returns. */
const withSession = (statement: string) => `
WITH stored AS (${statement}, password_version), started AS (
  INSERT INTO sessions (digest, user_id, password_version)
  SELECT decode(:session, 'hex'), id, password_version FROM stored ON CONFLICT DO NOTHING
)
SELECT * FROM stored`

/** The columns of each count: the failures, and the end of the pause after the last of them. */
const COUNTS = {
  stranger: ['failures', 'paused_until'],
  device: ['device_failures', 'device_paused_until'],
  fresh: ['fresh_failures', 'fresh_paused_until'],
} as const satisfies Record<AttemptCounter, readonly [string, string]>

const { freeFailures, longestPauseSeconds, countHours } = ATTEMPT_LIMITS

/** Returns SQL for the failures of a count, 0 if it has lapsed. */
const current = ([failures, pausedUntil]: readonly [string, string]) =>
  `CASE WHEN ${pausedUntil} > now() - interval '${countHours} hours' THEN ${failures} ELSE 0 END`

/**
 * Returns SQL for the end of the pause after `failures`, also SQL. The exponent is bounded, since `power` can
 * overflow.
 */
const pauseAfter = (failures: string, counter: AttemptCounter) => `now() + interval '1 second' *
  CASE WHEN ${failures} < ${freeFailures} THEN 0
  ELSE LEAST(${longestPauseSeconds[counter]}, power(2, LEAST(${failures} - ${freeFailures}, 20))) END`

const attemptsOf = (count: readonly [string, string]) =>
  `${current(count)}, CAST(ceil(GREATEST(0, COALESCE(extract(epoch FROM ${count[1]} - now()), 0))) AS INT)`

/** SQL for the failures and the seconds of the pause of each count, in the order stranger, device, fresh. */
export const ATTEMPTS = Object.values(COUNTS).map(attemptsOf).join(', ')

const ACCOUNT = `id, username, password, password_version, ${ATTEMPTS}`

/**
 * True, or the error 25006 in a read-only transaction, as on a writer that a failover has turned into a reader:
 * `nextval` fails there. No password is compared whose failure could not be counted (ASVS 16.5.3).
 */
const IS_WRITABLE = `
CASE current_setting('transaction_read_only') WHEN 'on' THEN nextval('users_id_seq') END IS NULL`

/**
 * The row of a name. Release 0.2.0, which may run beside this one, stores rows without a key until `npm run migrate`
 * fills it; they are found by the name in any letter case. A row with the key takes precedence.
 */
const selectAccount = (
  condition: string,
  moreColumns = '',
) => `SELECT ${ACCOUNT}${moreColumns} FROM users
WHERE (username_key = :usernameKey OR (username_key IS NULL AND lower(username) = lower(:username)))
AND ${condition} ORDER BY username_key NULLS LAST LIMIT 1`

const SELECT_ACCOUNT = selectAccount(IS_WRITABLE)

/** The name in another letter case is not a replay. The SQL function hides the digests from this role. */
const SELECT_REPLAYED = selectAccount(
  'username = :username AND is_repeatable_sign_up(id, :idempotencyKey)',
)

const SELECT_ACCOUNT_BY_ID = `SELECT ${ACCOUNT} FROM users WHERE id = :id`

/** SQL that is true for a session that has not ended within its {@link SessionHours}, unless the password has changed. */
export const IS_SESSION_ALIVE = `
sessions.last_used > now() - interval '1 hour' * CAST(:idleHours AS INT)
AND sessions.created_at > now() - interval '1 hour' * CAST(:mostHours AS INT)`

/** Few rows have the user's id, and the index on it finds them. */
const SELECT_ACCOUNT_BY_SESSION = `${SELECT_ACCOUNT_BY_ID} AND EXISTS (
  SELECT FROM sessions WHERE user_id = users.id AND sessions.password_version = users.password_version
  AND substring(digest FROM 1 FOR 8) = decode(:sid, 'hex') AND ${IS_SESSION_ALIVE})`

const SELECT_ACCOUNT_AND_SESSION = selectAccount(
  IS_WRITABLE,
  ", EXISTS (SELECT FROM sessions WHERE digest = decode(:session, 'hex') AND user_id = users.id)",
)

/**
 * Records a use once per day, or twice within the idle time if that is shorter. The conditions of the update are on
 * its own columns: one that waits for a sign-out at the same time does not revive the session.
 */
const USE_SESSION = `
WITH found AS (
  SELECT id, username, users.password_version FROM sessions
  JOIN users ON id = user_id AND users.password_version = sessions.password_version
  WHERE digest = decode(:session, 'hex') AND ${IS_SESSION_ALIVE}
), used AS (
  UPDATE sessions SET last_used = now() WHERE digest = decode(:session, 'hex')
  AND last_used > now() - interval '1 hour' * :idleHours
  AND last_used < now() - interval '1 hour' * :touchHours AND EXISTS (SELECT FROM found)
)
SELECT id, username, password_version FROM found`

const END_SESSION = `
UPDATE sessions SET last_used = '-infinity' WHERE digest = decode(:session, 'hex') RETURNING user_id`

const OPEN_SESSION = 'SELECT open_session(:id, :version, :session, :previous)'

const countFailure = (counter: AttemptCounter) => {
  const [failures, pausedUntil] = COUNTS[counter]
  const next = `1 + ${current(COUNTS[counter])}`
  return `
UPDATE users SET ${failures} = ${next}, ${pausedUntil} = ${pauseAfter(next, counter)} WHERE id = :id`
}

const chargeAttempt = (counter: AttemptCounter) => {
  const [failures, pausedUntil] = COUNTS[counter]
  const next = `1 + ${failures}`
  return `
UPDATE users SET ${failures} = ${next}, ${pausedUntil} = ${pauseAfter(next, counter)}
WHERE id = :id AND ${failures} = :failures AND ${pausedUntil} <= now()
RETURNING id`
}

const reset = ([failures, pausedUntil]: readonly [string, string]) =>
  `${failures} = 0, ${pausedUntil} = NULL`

/** SQL that resets every count of a row, for `UPDATE users SET`. */
export const RESET_FAILURES = Object.values(COUNTS).map(reset).join(', ')

/**
 * A retry after a lost response finds its own hash at the next version. The failures that were counted were guesses at
 * the former password.
 */
const CHANGE_HASH = `
UPDATE users SET password = :passwordHash, password_version = :nextVersion, ${RESET_FAILURES}
WHERE id = :id AND (password_version = :version
OR (password_version = :nextVersion AND password = :passwordHash))
RETURNING id`

const CHANGE_USERNAME =
  'SELECT change_username(:id, :formerName, :version, :username, :usernameKey)'

const DELETE_USER = 'SELECT delete_user(:id)'

const REPLACE_HASH =
  'UPDATE users SET password = :newHash WHERE id = :id AND password = :passwordHash RETURNING id'

/** Runs one statement, retries included, and resolves with its first row. */
export type Execute = (sql: string, values: Values) => Promise<Row>

/** Hours after which a session ends, without a renewal and in any case. */
export interface SessionHours {
  readonly idleHours: number
  readonly mostHours: number
}

/** Returns the hours of sessions that last so many days, and half of that without a renewal. */
export const sessionHoursOf = (maxDays: number): SessionHours => ({
  idleHours: maxDays * 12,
  mostHours: maxDays * 24,
})

/**
 * Returns the functions that read and write users and their sessions. Each runs one statement; only `insertUser` may
 * run it twice. All reject as `execute` does, and all are safe to retry: after a lost response a failure may count
 * twice, which only makes a pause longer.
 */
export function createUserStore(execute: Execute, sessionHours: SessionHours) {
  return {
    /** Stores a user and returns the row, or `undefined` if the name is taken. */
    async insertUser(user: NewUser): Promise<User | undefined> {
      const { username, usernameKey, passwordHash, idempotencyKeySha256, sessionDigest } = user
      const values = {
        username,
        usernameKey,
        password: passwordHash,
        idempotencyKey: idempotencyKeySha256,
        ...sessionValue(sessionDigest),
      }
      const sql = sessionDigest === undefined ? INSERT_USER : withSession(INSERT_USER)
      const insert = () => execute(sql, values)
      // The index on lower(username), which the previous release needs, also reports a concurrent request that has
      // just committed. The second statement sees that row, and whether it is this request's own.
      const row = await insert().catch(ifUsernameTaken(insert)).catch(ifUsernameTaken(noRow))
      return row && parseUser(row)
    },

    /** Returns the account that a request with exactly this name and this key made in the last 24 hours. */
    async findReplayed({
      username,
      usernameKey,
      idempotencyKeySha256,
    }: Omit<NewUser, 'passwordHash'>): Promise<Account | undefined> {
      const values = { usernameKey, username, idempotencyKey: idempotencyKeySha256 }
      const row = await execute(SELECT_REPLAYED, values)
      return row && parseAccount(row)
    },

    /** See `SignInDeps`. */
    async findAccount(
      { username, usernameKey }: KeyedUsername,
      sessionDigest?: string,
    ): Promise<Account | undefined> {
      const sql = sessionDigest === undefined ? SELECT_ACCOUNT : SELECT_ACCOUNT_AND_SESSION
      const row = await execute(sql, { username, usernameKey, ...sessionValue(sessionDigest) })
      return row && { ...parseAccount(row), hasShownSession: row.at(-1)?.booleanValue === true }
    },

    async findAccountById(id: number, sid?: string): Promise<Account | undefined> {
      const row =
        sid === undefined
          ? await execute(SELECT_ACCOUNT_BY_ID, { id })
          : await execute(SELECT_ACCOUNT_BY_SESSION, { id, sid, ...sessionHours })
      return row && parseAccount(row)
    },

    /** See `ChangePasswordDeps`. */
    async changeHash(
      { id, passwordVersion: version }: Account,
      passwordHash: string,
      sessionDigest?: string,
    ): Promise<boolean> {
      const session = sessionValue(sessionDigest)
      const values = { id, version, nextVersion: version + 1, passwordHash, ...session }
      const sql = sessionDigest === undefined ? CHANGE_HASH : withSession(CHANGE_HASH)
      return (await execute(sql, values)) !== undefined
    },

    /** See `OpenSessionDeps`. The statement's value is the id, or null if the password has changed. */
    async openSession(
      { id, passwordVersion: version }: Account,
      digest: string,
      previous?: string,
    ): Promise<boolean> {
      const row = await execute(OPEN_SESSION, { id, version, session: digest, previous })
      return row?.[0]?.longValue === id
    },

    /** See `RenewDeps`. */
    async useSession(digest: string): Promise<User | undefined> {
      const touchHours = Math.min(24, sessionHours.idleHours / 2)
      const row = await execute(USE_SESSION, { session: digest, ...sessionHours, touchHours })
      return row && { ...parseUser(row), passwordVersion: parseNumber(row[2]) }
    },

    /** See `SignOutDeps`. */
    async endSession(digest: string): Promise<number | undefined> {
      const row = await execute(END_SESSION, { session: digest })
      return row && parseNumber(row[0])
    },

    /** See `ChangeUsernameDeps`. The statement's value is the id, or null if it changed nothing. */
    async changeUsername(
      { id, username: formerName, passwordVersion: version }: Account,
      { username, usernameKey }: KeyedUsername,
    ): Promise<'changed' | 'taken' | 'superseded'> {
      const values = { id, formerName, version, username, usernameKey }
      const row = await execute(CHANGE_USERNAME, values).catch(
        ifUsernameTaken(() => 'taken' as const),
      )
      if (row === 'taken') return row
      return row?.[0]?.longValue === id ? 'changed' : 'superseded'
    },

    /** See `AttemptDeps`; so are the next two. Without an account the statement matches no row. */
    async countFailure(id: number | undefined, counter: AttemptCounter): Promise<void> {
      await execute(countFailure(counter), { id: id ?? NO_ID })
    },

    async chargeAttempt(id: number, counter: AttemptCounter, failures: number): Promise<boolean> {
      return (await execute(chargeAttempt(counter), { id, failures })) !== undefined
    },

    async resetFailures(id: number, counter: AttemptCounter): Promise<void> {
      await execute(`UPDATE users SET ${reset(COUNTS[counter])} WHERE id = :id`, { id })
    },

    async deleteUser(id: number): Promise<void> {
      await execute(DELETE_USER, { id })
    },

    /** Replaces exactly that hash; `false` if the user has another now. */
    async replaceHash(id: number, passwordHash: string, newHash: string): Promise<boolean> {
      return (await execute(REPLACE_HASH, { id, passwordHash, newHash })) !== undefined
    },
  }
}

const sessionValue = (digest: string | undefined) => digest !== undefined && { session: digest }

/** Ids start at 1. */
const NO_ID = 0

const UNIQUE_VIOLATION = '23505'

/** The unique indexes on names. Another index has another meaning, and its violation is a server error. */
const USERNAME_INDEX = /\busers_(username_key|lower_username)_key\b/

/** Calls `next` if a name's index reports a conflict. The rest of the message is in the server's language. */
const ifUsernameTaken =
  <T>(next: () => T | Promise<T>) =>
  (error: unknown): T | Promise<T> => {
    const isTaken =
      sqlStateOf(error) === UNIQUE_VIOLATION && USERNAME_INDEX.test(Object(error).message)
    if (isTaken) return next()
    throw error
  }

const noRow = () => undefined

function parseUser([idField, usernameField]: readonly Field[]): User {
  const id = parseNumber(idField)
  return { id, username: parseText(usernameField) }
}

function parseAccount(row: readonly Field[]): Account {
  const attempts = (at: number): Attempts => ({
    failures: parseNumber(row[at]),
    pauseSeconds: parseNumber(row[at + 1]),
  })
  return {
    ...parseUser(row),
    passwordHash: parseText(row[2]),
    passwordVersion: parseNumber(row[3]),
    attempts: { stranger: attempts(4), device: attempts(6), fresh: attempts(8) },
  }
}

function parseNumber(field: Field | undefined): number {
  const value = field?.longValue
  // The SDK passes on the content of the response, regardless of its types.
  if (value === undefined || !Number.isSafeInteger(value)) throw malformed()
  return value
}

function parseText(field: Field | undefined): string {
  const value = field?.stringValue
  if (typeof value !== 'string') throw malformed()
  return value
}

const malformed = () =>
  new TypeError('The response of the Data API is not what the statement returns.')
