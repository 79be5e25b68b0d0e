import {
  ExecuteStatementCommand,
  type ExecuteStatementCommandOutput,
  type Field,
  type RDSDataClient,
  type SqlParameter,
} from '@aws-sdk/client-rds-data'
import type { EarlierUser, NewUser, User } from './sign-up.ts'

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
INSERT INTO users (username, password, idempotency_key_sha256)
VALUES (:username, :password, :idempotencyKey)
ON CONFLICT (lower(username)) DO UPDATE SET username = users.username
WHERE users.password = EXCLUDED.password
RETURNING id, username`

/**
 * Uses the unique index on `lower(username)`; the name in another letter case is not a replay. The view holds
 * rows of the last 24 hours (003-idempotency-key.sql).
 */
const SELECT_EARLIER_USER = `
SELECT id, username, password FROM repeatable_sign_ups
WHERE lower(username) = lower(:username) AND username = :username
AND idempotency_key_sha256 = :idempotencyKey`

/**
 * Returns the two functions that read and write users through the Data API, one call each. Both reject with
 * the SDK's error, also when `signal` aborts, and both are safe to retry.
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

    /** Returns the user that a request with exactly this name and this key stored in the last 24 hours. */
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

/** A response with nothing in it, which says neither that there is a row nor that there is none. */
class EmptyResponse extends Error {
  override name = 'EmptyResponse'
}

function firstRow({ records, numberOfRecordsUpdated }: ExecuteStatementCommandOutput) {
  if (records === undefined && numberOfRecordsUpdated === undefined) throw new EmptyResponse()
  return records?.[0]
}

function parseUser([idField, usernameField]: readonly Field[]): User {
  const id = idField?.longValue
  // The SDK passes on what the wire holds, whatever its types say.
  if (!Number.isSafeInteger(id) || id === undefined) throw malformed()
  return { id, username: parseText(usernameField) }
}

function parseText(field: Field | undefined): string {
  const value = field?.stringValue
  if (typeof value !== 'string') throw malformed()
  return value
}

const malformed = () =>
  new TypeError('The response of the Data API is not what the statement returns.')
