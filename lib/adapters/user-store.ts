import {
  ExecuteStatementCommand,
  type ExecuteStatementCommandOutput,
  type Field,
  type RDSDataClient,
  type SqlParameter,
} from '@aws-sdk/client-rds-data'
import type { Account, Attempter, Attempts, NewUser, User } from '../accounts/account.ts'
import { FREE_FAILURES } from '../accounts/attempts.ts'
import { sqlStateOf } from '../faults/faults.ts'

/** Where the users are stored. */
export interface UserStoreOptions {
  /** Configured for one attempt a call: `retries.ts` retries, until the request's deadline. */
  readonly client: RDSDataClient
  readonly clusterArn: string
  readonly secretArn: string
  readonly databaseName: string
}

/**
 * One statement that stores a user or finds the name taken, and is safe to retry.
 *
 * On a conflict it returns a row only if the stored hash is the very hash of this request. The 128-bit random
 * salt makes that hash unique to the request, so:
 * - between rivals the statement is atomic: no row means that the name is somebody else's;
 * - after a lost response it can be retried: the row with this hash is there, and is returned.
 * The update writes the stored name over itself, since `DO NOTHING` would return no row.
 */
const INSERT_USER = `
INSERT INTO users (username, username_key, password, idempotency_key_sha256)
VALUES (:username, :usernameKey, :password, :idempotencyKey)
ON CONFLICT (username_key) DO UPDATE SET username = users.username
WHERE users.password = EXCLUDED.password
RETURNING id, username`

const UNIQUE_VIOLATION = '23505'

/** The columns of each count: the failures, and the end of the pause after the last of them. */
const COUNTS = {
  stranger: ['failures', 'paused_until'],
  device: ['device_failures', 'device_paused_until'],
} as const satisfies Record<Attempter, readonly [string, string]>

/** The failures that still count: until 24 hours after the last pause. */
const current = ([failures, pausedUntil]: readonly [string, string]) =>
  `CASE WHEN ${pausedUntil} > now() - interval '24 hours' THEN ${failures} ELSE 0 END`

/** The end of the pause after `failures`, which is SQL: 2^(n-5) seconds from the fifth, at most 900. */
const pauseAfter = (failures: string) => `now() + interval '1 second' *
  CASE WHEN ${failures} < ${FREE_FAILURES} THEN 0
  ELSE LEAST(900, power(2, LEAST(${failures} - ${FREE_FAILURES}, 10))) END`

const attemptsOf = (count: readonly [string, string]) =>
  `${current(count)}, CAST(ceil(GREATEST(0, COALESCE(extract(epoch FROM ${count[1]} - now()), 0))) AS INT)`

const ACCOUNT = `id, username, password, ${attemptsOf(COUNTS.stranger)}, ${attemptsOf(COUNTS.device)},
password_version`

const SELECT_ACCOUNT = `SELECT ${ACCOUNT} FROM users WHERE username_key = :usernameKey`

/** The name in another letter case is not a replay. The function keeps the digests from this role. */
const SELECT_EARLIER = `${SELECT_ACCOUNT}
AND username = :username AND is_repeatable_sign_up(id, :idempotencyKey)`

const SELECT_ACCOUNT_BY_ID = `SELECT ${ACCOUNT} FROM users WHERE id = :id`

const SELECT_USER = 'SELECT id, username, password_version FROM users WHERE id = :id'

const countFailure = (count: readonly [string, string]) => `
UPDATE users SET ${count[0]} = 1 + ${current(count)}, ${count[1]} = ${pauseAfter(`1 + ${current(count)}`)}
WHERE username_key = :usernameKey`

const chargeAttempt = (count: readonly [string, string]) => `
UPDATE users SET ${count[0]} = 1 + ${count[0]}, ${count[1]} = ${pauseAfter(`1 + ${count[0]}`)}
WHERE id = :id AND ${count[0]} = :failures AND ${count[1]} <= now()
RETURNING id`

const endFailures = ([failures, pausedUntil]: readonly [string, string]) =>
  `UPDATE users SET ${failures} = 0, ${pausedUntil} = NULL WHERE id = :id`

/** A retry after a lost response finds its own hash at the next version. */
const CHANGE_HASH = `
UPDATE users SET password = :passwordHash, password_version = :nextVersion
WHERE id = :id AND (password_version = :version
OR (password_version = :nextVersion AND password = :passwordHash))
RETURNING id`

const DELETE_USER = 'SELECT delete_user(:id)'

const REPLACE_HASH =
  'UPDATE users SET password = :by WHERE id = :id AND password = :passwordHash RETURNING id'

/**
 * Returns the functions that read and write users through the Data API, one call each unless it says more.
 * All reject with the SDK's error, also when `signal` aborts, and all are safe to retry: after a lost response
 * a failure may count twice, which makes a pause longer and loses nothing.
 */
export function createUserStore({ client, clusterArn, secretArn, databaseName }: UserStoreOptions) {
  const execute = async (
    sql: string,
    values: Readonly<Record<string, string | number | undefined>>,
    signal: AbortSignal,
  ) => {
    const command = new ExecuteStatementCommand({
      resourceArn: clusterArn,
      secretArn,
      database: databaseName,
      sql,
      parameters: Object.entries(values).map(toParameter),
    })
    return firstRow(await client.send(command, { abortSignal: signal }))
  }

  return {
    /** Stores a user and returns the row, or `undefined` if somebody has a name with this key. */
    async insertUser(user: NewUser, signal: AbortSignal): Promise<User | undefined> {
      const { username, usernameKey, passwordHash, idempotencyKeySha256 } = user
      const values = {
        username,
        usernameKey,
        password: passwordHash,
        idempotencyKey: idempotencyKeySha256,
      }
      const insert = () => execute(INSERT_USER, values, signal)
      // The index on lower(username), which the previous release needs, also reports a rival that has just
      // committed. The second statement sees that row, and whether it is this request's own.
      const row = await insert().catch(ignoreConflict(insert)).catch(ignoreConflict(noRow))
      return row && parseUser(row)
    },

    /** Returns the account that a request with exactly this name and this key made in the last 24 hours. */
    async findEarlier(
      { username, usernameKey, idempotencyKeySha256 }: Omit<NewUser, 'passwordHash'>,
      signal: AbortSignal,
    ): Promise<Account | undefined> {
      const values = { usernameKey, username, idempotencyKey: idempotencyKeySha256 }
      const row = await execute(SELECT_EARLIER, values, signal)
      return row && parseAccount(row)
    },

    async findAccount(usernameKey: string, signal: AbortSignal): Promise<Account | undefined> {
      const row = await execute(SELECT_ACCOUNT, { usernameKey }, signal)
      return row && parseAccount(row)
    },

    async findUser(id: number, signal: AbortSignal): Promise<User | undefined> {
      const row = await execute(SELECT_USER, { id }, signal)
      return row && { ...parseUser(row), passwordVersion: parseNumber(row[2]) }
    },

    async findAccountById(id: number, signal: AbortSignal): Promise<Account | undefined> {
      const row = await execute(SELECT_ACCOUNT_BY_ID, { id }, signal)
      return row && parseAccount(row)
    },

    /** Replaces the hash and the version that follows `version`; `false` if the user has another by now. */
    async changeHash(id: number, version: number, passwordHash: string, signal: AbortSignal) {
      const values = { id, version, nextVersion: version + 1, passwordHash }
      return (await execute(CHANGE_HASH, values, signal)) !== undefined
    },

    /** See {@link AttemptDeps}; so are the next two. */
    async countFailure(usernameKey: string, attempter: Attempter, signal: AbortSignal) {
      await execute(countFailure(COUNTS[attempter]), { usernameKey }, signal)
    },

    async chargeAttempt(id: number, attempter: Attempter, failures: number, signal: AbortSignal) {
      const row = await execute(chargeAttempt(COUNTS[attempter]), { id, failures }, signal)
      return row !== undefined
    },

    async endFailures(id: number, attempter: Attempter, signal: AbortSignal) {
      await execute(endFailures(COUNTS[attempter]), { id }, signal)
    },

    async deleteUser(id: number, signal: AbortSignal) {
      await execute(DELETE_USER, { id }, signal)
    },

    /** Replaces exactly that hash; `false` if the user has another by now. */
    async replaceHash(id: number, passwordHash: string, by: string, signal: AbortSignal) {
      return (await execute(REPLACE_HASH, { id, passwordHash, by }, signal)) !== undefined
    },
  }
}

const ignoreConflict =
  <T>(next: () => T | Promise<T>) =>
  (error: unknown): T | Promise<T> => {
    if (sqlStateOf(error) === UNIQUE_VIOLATION) return next()
    throw error
  }

const noRow = () => undefined

const toParameter = ([name, value]: [string, string | number | undefined]): SqlParameter => ({
  name,
  value:
    value === undefined
      ? { isNull: true }
      : typeof value === 'number'
        ? { longValue: value }
        : { stringValue: value },
})

/** A response with nothing in it, which says neither that there is a row nor that there is none. */
class EmptyResponse extends Error {
  override name = 'EmptyResponse'
}

function firstRow({ records, numberOfRecordsUpdated }: ExecuteStatementCommandOutput) {
  if (records === undefined && numberOfRecordsUpdated === undefined) throw new EmptyResponse()
  return records?.[0]
}

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
    attempts: { stranger: attempts(3), device: attempts(5) },
    passwordVersion: parseNumber(row[7]),
  }
}

function parseNumber(field: Field | undefined): number {
  const value = field?.longValue
  // The SDK passes on what the wire holds, whatever its types say.
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
