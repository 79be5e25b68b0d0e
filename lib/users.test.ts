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
  const value = (text: string) => ({ stringValue: text })
  assert.deepEqual(rest, {
    ...WHERE,
    parameters: [
      { name: 'username', value: value(username) },
      { name: 'password', value: value(HASH) },
      { name: 'idempotencyKey', value: value('the digest') },
    ],
  })
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

const MALFORMED = {
  'an empty row': [],
  'a row without a name': [{ longValue: 7 }],
  'an id in a stringValue': [{ stringValue: '7' }, { stringValue: 'gary' }],
  'an id that is no number': [{ longValue: '7' }, { stringValue: 'gary' }],
  'an id that is no whole number': [{ longValue: 1.5 }, { stringValue: 'gary' }],
  'a name that is no string': [{ longValue: 7 }, { stringValue: 7 }],
  'a name that is NULL': [{ longValue: 7 }, { isNull: true }],
  'the columns in another order': [{ stringValue: 'gary' }, { longValue: 7 }],
}

test('a malformed row is a fault, not a user', async (t) => {
  for (const [name, row] of Object.entries(MALFORMED)) {
    const { insertUser } = await storeAgainst(t, [{ body: { records: [row] } }])
    await assert.rejects(insertUser('gary', HASH), TypeError, name)
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
  assert.deepEqual(rest, {
    ...WHERE,
    parameters: [
      { name: 'username', value: { stringValue: 'gary' } },
      { name: 'idempotencyKey', value: { stringValue: 'the digest' } },
    ],
  })
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
