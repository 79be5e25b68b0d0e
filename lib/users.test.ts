import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type ScriptedResponse, scriptDataApi } from '../test/support/data-api-script.ts'
import { createUserStore } from './users.ts'

const CLUSTER_ARN = 'arn:aws:rds:eu-central-1:123456789012:cluster:latchkey'
const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:latchkey-AbCdEf'
const HASH = `$2b$10$${'h'.repeat(53)}`
const GARY = { body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }]] } }
const KEYED = {
  body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }, { stringValue: HASH }]] },
}
const NO_ROW = { body: { records: [], numberOfRecordsUpdated: 0 } }

const WHERE = { resourceArn: CLUSTER_ARN, secretArn: SECRET_ARN, database: 'latchkey' }
const NEVER = new AbortController().signal

async function storeAgainst(t: TestContext, answers: readonly ScriptedResponse[]) {
  const { client, requests } = await scriptDataApi(t, answers)
  const users = createUserStore({
    client,
    clusterArn: CLUSTER_ARN,
    secretArn: SECRET_ARN,
    databaseName: 'latchkey',
  })
  const insertUser = (username: string, passwordHash: string, idempotencyKeySha256?: string) =>
    users.insertUser({ username, passwordHash, idempotencyKeySha256 }, NEVER)
  return { users, insertUser, requests }
}

const parametersOf = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, stringValue]) => ({ name, value: { stringValue } }))

function hasSql(body: unknown): body is { readonly sql: string } {
  return typeof body === 'object' && body !== null && 'sql' in body && typeof body.sql === 'string'
}

test('a user is stored with one call, with the values as named parameters', async (t) => {
  const username = "Robert'); DROP TABLE users;--"
  const { insertUser, requests } = await storeAgainst(t, [GARY, GARY])
  assert.deepEqual(await insertUser(username, HASH, 'the digest'), { id: 7, username: 'gary' })
  await insertUser("' || :password || '", 'another hash')

  const [request, other] = requests
  assert.equal(`${request?.method} ${request?.path}`, 'POST /Execute')
  assert.ok(hasSql(request?.body) && hasSql(other?.body))
  const { sql, ...rest } = request.body
  const values = { username, password: HASH, idempotencyKey: 'the digest' }
  assert.deepEqual(rest, { ...WHERE, parameters: parametersOf(values) })
  assert.deepEqual(sql.match(/:\w+/g), [':username', ':password', ':idempotencyKey'])
  assert.doesNotMatch(sql, /Robert|DROP|\$2b\$|;/)
  // The statement is the same for every user, and a key that is not there is null.
  assert.equal(other.body.sql, sql)
  assert.ok(
    JSON.stringify(other.body).includes('{"name":"idempotencyKey","value":{"isNull":true}}'),
  )
  assert.equal(requests.length, 2)
})

test('no row means that the name is taken, also if the response has no list of rows', async (t) => {
  const { insertUser } = await storeAgainst(t, [NO_ROW, { body: { numberOfRecordsUpdated: 0 } }])
  assert.equal(await insertUser('gary', HASH), undefined)
  assert.equal(await insertUser('gary', HASH), undefined)
})

const ID = { longValue: 7 }
const NAME = { stringValue: 'gary' }
/** Rows with a column missing, of another type, or in another place. */
const MALFORMED = [
  [],
  [ID],
  [{ stringValue: '7' }, NAME],
  [{ longValue: '7' }, NAME],
  [{ longValue: 1.5 }, NAME],
  [ID, { stringValue: 7 }],
  [ID, { isNull: true }],
  [NAME, ID],
]

test('a malformed row is a fault, not a user', async (t) => {
  for (const row of MALFORMED) {
    const { insertUser } = await storeAgainst(t, [{ body: { records: [row] } }])
    await assert.rejects(insertUser('gary', HASH), TypeError, JSON.stringify(row))
  }
  // Without the hash.
  const { users } = await storeAgainst(t, [GARY])
  await assert.rejects(users.findEarlierUser('gary', 'the digest', NEVER), TypeError)
})

test('an empty response is a fault, not a taken name', async (t) => {
  const { users, insertUser } = await storeAgainst(t, [{ body: {} }, { body: {} }])
  const empty = { name: 'EmptyResponse' }
  await assert.rejects(insertUser('gary', HASH), empty)
  await assert.rejects(users.findEarlierUser('gary', 'the digest', NEVER), empty)
})

test('an earlier user is found with one call, with the hash', async (t) => {
  const { users, requests } = await storeAgainst(t, [KEYED, NO_ROW])
  const user = { id: 7, username: 'gary', passwordHash: HASH }
  assert.deepEqual(await users.findEarlierUser('gary', 'the digest', NEVER), user)
  assert.equal(await users.findEarlierUser('gary', 'the digest', NEVER), undefined)
  assert.equal(requests.length, 2)
  assert.ok(hasSql(requests[0]?.body))
  const { sql, ...rest } = requests[0].body
  const values = { username: 'gary', idempotencyKey: 'the digest' }
  assert.deepEqual(rest, { ...WHERE, parameters: parametersOf(values) })
  assert.match(sql, /^\s*SELECT /)
})

test('a call rejects when its signal aborts', async (t) => {
  const { users } = await storeAgainst(t, [{ hangs: true }, { hangs: true }])
  const user = { username: 'gary', passwordHash: HASH, idempotencyKeySha256: undefined }
  for (const call of [
    (signal: AbortSignal) => users.insertUser(user, signal),
    (signal: AbortSignal) => users.findEarlierUser('gary', 'the digest', signal),
  ]) {
    await assert.rejects(call(AbortSignal.timeout(50)), { name: 'AbortError' })
  }
})
