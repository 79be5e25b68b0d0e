import {
  ExecuteStatementCommand,
  type ExecuteStatementCommandOutput,
  type Field,
  type RDSDataClient,
  type SqlParameter,
} from '@aws-sdk/client-rds-data'
import type { EarlierUser, NewUser, User } from './sign-up.ts'

/** Where the users are: the cluster, the secret of the database user, the database. */
export interface UserStoreOptions {
  /** Makes one attempt a call: `retries.ts` repeats them, until the request's deadline. */
  readonly client: RDSDataClient
  readonly clusterArn: string
  readonly secretArn: string
  readonly databaseName: string
}

/**
 * One statement stores a user, or finds that the name is taken, and may be sent any number of times.
 *
 * A conflict on the name returns a row only if the stored hash is the very hash that this request
 * made. Its 128-bit random salt makes that hash unique to the request, so:
 * - against a rival the statement is atomic: no row back means that the name is somebody else's;
 * - after a lost answer it may be sent again: the row is there, hash and all, and comes back.
 * The update writes the stored name over itself, since `DO NOTHING` would return no row.
 */
const INSERT_USER = `
INSERT INTO users (username, password, idempotency_key_sha256)
VALUES (:username, :password, :idempotencyKey)
ON CONFLICT (lower(username)) DO UPDATE SET username = users.username
WHERE users.password = EXCLUDED.password
RETURNING id, username`

/**
 * By the unique index on `lower(username)`. The name in another letter case is another request. The view
 * forgets after 24 hours (003-idempotency-key.sql).
 */
const SELECT_EARLIER_USER = `
SELECT id, username, password FROM repeatable_sign_ups
WHERE lower(username) = lower(:username) AND username = :username
AND idempotency_key_sha256 = :idempotencyKey`

/**
 * Makes the two functions that know users through the Data API, one call each. Both end when `signal`
 * aborts and reject with the SDK's error; `describeFault` reads it. Both may be repeated.
 */
export function createUserStore({ client, clusterArn, secretArn, databaseName }: UserStoreOptions) {
  const execute = (sql: string, parameters: SqlParameter[], signal: AbortSignal) =>
    client.send(
      new ExecuteStatementCommand({
        resourceArn: clusterArn,
        secretArn,
        database: databaseName,
        sql,
        parameters,
      }),
      { abortSignal: signal },
    )

  return {
    /** Stores a user and returns the row, or `undefined` if the name is taken in any letter case. */
    async insertUser(user: NewUser, signal: AbortSignal): Promise<User | undefined> {
      const { username, passwordHash, idempotencyKeySha256 } = user
      const output = await execute(
        INSERT_USER,
        [
          text('username', username),
          text('password', passwordHash),
          text('idempotencyKey', idempotencyKeySha256),
        ],
        signal,
      )
      const row = firstRow(output)
      return row && parseUser(row)
    },

    /** Returns whom a request of exactly this name, and of this key, stored in the last 24 hours. */
    async findEarlierUser(
      username: string,
      idempotencyKeySha256: string,
      signal: AbortSignal,
    ): Promise<EarlierUser | undefined> {
      const output = await execute(
        SELECT_EARLIER_USER,
        [text('username', username), text('idempotencyKey', idempotencyKeySha256)],
        signal,
      )
      const row = firstRow(output)
      return row && { ...parseUser(row), passwordHash: parseText(row[2]) }
    },
  }
}

const text = (name: string, value: string | undefined): SqlParameter => ({
  name,
  value: value === undefined ? { isNull: true } : { stringValue: value },
})

/** An answer without anything in it, which says neither that there is a row nor that there is none. */
class EmptyAnswer extends Error {
  override name = 'EmptyAnswer'
}

function firstRow({ records, numberOfRecordsUpdated }: ExecuteStatementCommandOutput) {
  if (records === undefined && numberOfRecordsUpdated === undefined) throw new EmptyAnswer()
  return records?.[0]
}

function parseUser([idField, usernameField]: readonly Field[]): User {
  const id = idField?.longValue
  // The SDK passes on what the wire held, whatever its types say.
  if (!Number.isSafeInteger(id) || id === undefined) throw malformed()
  return { id, username: parseText(usernameField) }
}

function parseText(field: Field | undefined): string {
  const value = field?.stringValue
  if (typeof value !== 'string') throw malformed()
  return value
}

const malformed = () =>
  new TypeError('The Data API answered something that is not what the statement returns.')
