import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type ScriptedResponse, scriptDataApi } from '../../test/support/data-api-script.ts'
import { createUserStore } from './user-store.ts'

const CLUSTER_ARN = 'arn:aws:rds:eu-central-1:123456789012:cluster:latchkey'
const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:latchkey-AbCdEf'
const HASH = `$2b$10$${'h'.repeat(53)}`
const GARY = { body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }]] } }
const COUNTS = [3, 0, 8, 4, 2].map((longValue) => ({ longValue }))
const ACCOUNT_ROW = [{ longValue: 7 }, { stringValue: 'gary' }, { stringValue: HASH }, ...COUNTS]
const ACCOUNT = { body: { records: [ACCOUNT_ROW] } }
const USER = {
  body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }, { longValue: 2 }]] },
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
    users.insertUser(
      { username, usernameKey: 'the key', passwordHash, idempotencyKeySha256 },
      NEVER,
    )
  return { users, insertUser, requests }
}

const parametersOf = (values: Readonly<Record<string, string | number>>) =>
  Object.entries(values).map(([name, value]) => ({
    name,
    value: typeof value === 'number' ? { longValue: value } : { stringValue: value },
  }))

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
  const values = {
    username,
    usernameKey: 'the key',
    password: HASH,
    idempotencyKey: 'the digest',
  }
  assert.deepEqual(rest, { ...WHERE, parameters: parametersOf(values) })
  assert.deepEqual(sql.match(/:\w+/g), [
    ':username',
    ':usernameKey',
    ':password',
    ':idempotencyKey',
  ])
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
  // Without the hash, without a count, or with one that is no number.
  for (const row of [
    GARY.body.records[0],
    ACCOUNT_ROW.slice(0, 7),
    [...ACCOUNT_ROW.slice(0, 7), ID].with(3, NAME),
  ]) {
    const { users } = await storeAgainst(t, [{ body: { records: [row] } }])
    await assert.rejects(users.findAccount('gary', NEVER), TypeError)
  }
})

test('an empty response is a fault, not a taken name', async (t) => {
  const { users, insertUser } = await storeAgainst(t, [{ body: {} }, { body: {} }])
  const empty = { name: 'EmptyResponse' }
  await assert.rejects(insertUser('gary', HASH), empty)
  await assert.rejects(users.findAccount('gary', NEVER), empty)
})

const EARLIER = { username: 'Gary', usernameKey: 'gary', idempotencyKeySha256: 'the digest' }
type Users = ReturnType<typeof createUserStore>
type Call = readonly [
  name: string,
  call: (users: Users, signal: AbortSignal) => Promise<unknown>,
  values: Readonly<Record<string, string | number>>,
  verb: RegExp,
]
/** Every other statement, with its values. */
const CALLS: readonly Call[] = [
  [
    'findEarlier',
    (users, signal) => users.findEarlier(EARLIER, signal),
    { usernameKey: 'gary', username: 'Gary', idempotencyKey: 'the digest' },
    /^SELECT /,
  ],
  [
    'findAccount',
    (users, signal) => users.findAccount('gary', signal),
    { usernameKey: 'gary' },
    /^SELECT /,
  ],
  ['findUser', (users, signal) => users.findUser(7, signal), { id: 7 }, /^SELECT /],
  ['findAccountById', (users, signal) => users.findAccountById(7, signal), { id: 7 }, /^SELECT /],
  [
    'changeHash',
    (users, signal) => users.changeHash(7, 2, HASH, signal),
    { id: 7, version: 2, nextVersion: 3, passwordHash: HASH },
    /^UPDATE users SET password /,
  ],
  [
    'countFailure',
    (users, signal) => users.countFailure('gary', 'stranger', signal),
    { usernameKey: 'gary' },
    /^UPDATE users SET failures /,
  ],
  [
    'chargeAttempt',
    (users, signal) => users.chargeAttempt(7, 'device', 5, signal),
    { id: 7, failures: 5 },
    /^UPDATE users SET device_failures /,
  ],
  [
    'endFailures',
    (users, signal) => users.endFailures(7, 'device', signal),
    { id: 7 },
    /^UPDATE users SET device_failures /,
  ],
  ['deleteUser', (users, signal) => users.deleteUser(7, signal), { id: 7 }, /^SELECT delete_user/],
  [
    'replaceHash',
    (users, signal) => users.replaceHash(7, HASH, 'a newer hash', signal),
    { id: 7, passwordHash: HASH, by: 'a newer hash' },
    /^UPDATE users SET password /,
  ],
]

for (const [name, call, values, verb] of CALLS) {
  test(`${name} is one call, with its values as named parameters`, async (t) => {
    const { users, requests } = await storeAgainst(t, [name === 'findUser' ? USER : ACCOUNT])
    await call(users, NEVER)
    assert.equal(requests.length, 1)
    assert.ok(hasSql(requests[0]?.body))
    const { sql, ...rest } = requests[0].body
    assert.deepEqual(rest, { ...WHERE, parameters: parametersOf(values) })
    assert.match(sql.trim(), verb)
    assert.deepEqual([...new Set(sql.match(/(?<=:)\w+/g))].sort(), Object.keys(values).sort())
    assert.doesNotMatch(sql, /[Gg]ary|\$2b\$|;|::/)
  })

  test(`${name} rejects when its signal aborts`, async (t) => {
    const { users } = await storeAgainst(t, [{ hangs: true }])
    await assert.rejects(call(users, AbortSignal.timeout(50)), { name: 'AbortError' })
  })
}

test('an account is the row with both counts, and none without a row', async (t) => {
  const { users } = await storeAgainst(t, [ACCOUNT, NO_ROW])
  assert.deepEqual(await users.findAccount('gary', NEVER), {
    id: 7,
    username: 'gary',
    passwordHash: HASH,
    attempts: {
      stranger: { failures: 3, pauseSeconds: 0 },
      device: { failures: 8, pauseSeconds: 4 },
    },
    passwordVersion: 2,
  })
  assert.equal(await users.findAccount('gary', NEVER), undefined)
})

const CONFLICT: ScriptedResponse = {
  status: 400,
  errorType: 'DatabaseErrorException',
  body: { message: 'ERROR: duplicate key value; SQLState: 23505' },
}

test('a conflict on the older index is looked at again: the row is their own, or the name is taken', async (t) => {
  for (const [answers, expected] of [
    [[CONFLICT, GARY], { id: 7, username: 'gary' }],
    [[CONFLICT, NO_ROW], undefined],
    [[CONFLICT, CONFLICT], undefined],
  ] as const) {
    const { insertUser, requests } = await storeAgainst(t, answers)
    assert.deepEqual(await insertUser('gary', HASH), expected)
    assert.deepEqual(requests[0], requests[1])
    assert.equal(requests.length, 2)
  }
  const other = { ...CONFLICT, body: { message: 'ERROR: 23505; SQLState: 23502' } }
  const { insertUser } = await storeAgainst(t, [other])
  await assert.rejects(insertUser('gary', HASH), { name: 'DatabaseErrorException' })
})

test('a sign-up rejects when its signal aborts', async (t) => {
  const { users } = await storeAgainst(t, [{ hangs: true }])
  const user = { ...EARLIER, passwordHash: HASH }
  const aborted = users.insertUser(user, AbortSignal.timeout(50))
  await assert.rejects(aborted, { name: 'AbortError' })
})
