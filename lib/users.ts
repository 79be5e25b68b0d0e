import { ExecuteStatementCommand, type Field, type RDSDataClient } from '@aws-sdk/client-rds-data'
import type { User } from './sign-up.ts'

/** Where the users are: the cluster, the secret of the database user, the database. */
export interface UserStoreOptions {
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
 * - after a lost answer the SDK may send it again: the row is there, hash and all, and comes back.
 * The update writes the stored name over itself, since `DO NOTHING` would return no row.
 */
const INSERT_USER = `
INSERT INTO users (username, password) VALUES (:username, :password)
ON CONFLICT (lower(username)) DO UPDATE SET username = users.username
WHERE users.password = EXCLUDED.password
RETURNING id, username`

/**
 * Makes the function that stores a user through the Data API and returns the row, or `undefined` if
 * the name is taken in any letter case. Rejects with the SDK's error; `describeFault` reads it.
 */
export function createUserStore({ client, clusterArn, secretArn, databaseName }: UserStoreOptions) {
  return async (username: string, passwordHash: string): Promise<User | undefined> => {
    const { records, numberOfRecordsUpdated } = await client.send(
      new ExecuteStatementCommand({
        resourceArn: clusterArn,
        secretArn,
        database: databaseName,
        sql: INSERT_USER,
        parameters: [
          { name: 'username', value: { stringValue: username } },
          { name: 'password', value: { stringValue: passwordHash } },
        ],
      }),
    )
    const row = records?.[0]
    if (row !== undefined) return parseUser(row)
    // Only an answer that counts may say that the name is taken; an empty one says nothing.
    if (records === undefined && numberOfRecordsUpdated === undefined) throw malformed()
    return undefined
  }
}

function parseUser([idField, usernameField]: readonly Field[]): User {
  const id = idField?.longValue
  const username = usernameField?.stringValue
  // The SDK passes on what the wire held, whatever its types say.
  if (!Number.isSafeInteger(id) || id === undefined || typeof username !== 'string') {
    throw malformed()
  }
  return { id, username }
}

const malformed = () => new TypeError('The Data API answered something that is not (id, username).')
