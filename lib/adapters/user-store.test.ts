import assert from 'node:assert/strict'
import { test } from 'node:test'
import { record } from '../../test/support/recorder.ts'
import type { Row, Values } from './data-api.ts'
import { createUserStore } from './user-store.ts'

const HASH = `$2b$10$${'h'.repeat(53)}`
const GARY = [{ longValue: 7 }, { stringValue: 'gary' }]
const NUMBERS = [2, 3, 0, 8, 4, 5, 1].map((longValue) => ({ longValue }))
const USER_ROW = [...GARY, { longValue: 2 }]
const ACCOUNT_ROW = [...GARY, { stringValue: HASH }, ...NUMBERS]
const DIGEST = 'd1'.repeat(32)
const NEW_USER = {
  username: 'Gary',
  usernameKey: 'gary',
  passwordHash: HASH,
  idempotencyKeySha256: 'the digest',
}

const HOURS = { idleHours: 24, mostHours: 48 }

/** A store whose statements have these results in turn; `calls` are the statements with their values. */
function storeWith(...results: readonly (Row | Error)[]) {
  let next = 0
  const { deps, calls } = record({
    async execute(_sql: string, _values: Values) {
      const result = results[next++]
      if (result instanceof Error) throw result
      return result
    },
  })
  return { users: createUserStore(deps.execute, HOURS), calls }
}

const ACCOUNT = {
  id: 7,
  username: 'gary',
  passwordHash: HASH,
  attempts: {
    stranger: { failures: 3, pauseSeconds: 0 },
    device: { failures: 8, pauseSeconds: 4 },
    fresh: { failures: 5, pauseSeconds: 1 },
  },
  passwordVersion: 2,
}
const NEW_NAME = { username: 'Ada', usernameKey: 'ada' }

type Users = ReturnType<typeof createUserStore>

/** Every function, and the values of its one statement. */
const CALLS: Readonly<Record<keyof Users, readonly [(users: Users) => Promise<unknown>, Values]>> =
  {
    insertUser: [
      (users) => users.insertUser(NEW_USER),
      { username: 'Gary', usernameKey: 'gary', password: HASH, idempotencyKey: 'the digest' },
    ],
    findReplayed: [
      (users) => users.findReplayed(NEW_USER),
      { usernameKey: 'gary', username: 'Gary', idempotencyKey: 'the digest' },
    ],
    findAccount: [
      (users) => users.findAccount({ username: 'Gary', usernameKey: 'gary' }),
      { username: 'Gary', usernameKey: 'gary' },
    ],
    findAccountById: [(users) => users.findAccountById(7), { id: 7 }],
    changeHash: [
      (users) => users.changeHash(ACCOUNT, HASH),
      { id: 7, version: 2, nextVersion: 3, passwordHash: HASH },
    ],
    changeUsername: [
      (users) => users.changeUsername(ACCOUNT, NEW_NAME),
      { id: 7, formerName: 'gary', version: 2, ...NEW_NAME },
    ],
    countFailure: [(users) => users.countFailure(7, 'stranger'), { id: 7 }],
    chargeAttempt: [(users) => users.chargeAttempt(7, 'device', 5), { id: 7, failures: 5 }],
    resetFailures: [(users) => users.resetFailures(7, 'device'), { id: 7 }],
    deleteUser: [(users) => users.deleteUser(7), { id: 7 }],
    openSession: [
      (users) => users.openSession(ACCOUNT, DIGEST, 'the previous'),
      { id: 7, version: 2, session: DIGEST, previous: 'the previous' },
    ],
    useSession: [
      (users) => users.useSession(DIGEST),
      { session: DIGEST, ...HOURS, touchHours: 12 },
    ],
    endSession: [(users) => users.endSession(DIGEST), { session: DIGEST }],
    replaceHash: [
      (users) => users.replaceHash(7, HASH, 'a newer hash'),
      { id: 7, passwordHash: HASH, newHash: 'a newer hash' },
    ],
  }

test('each function runs one statement, whose text has the name of every value and no value', async () => {
  for (const [name, [call, values]] of Object.entries(CALLS)) {
    const { users, calls } = storeWith(name === 'useSession' ? USER_ROW : ACCOUNT_ROW)
    await call(users)
    assert.equal(calls.length, 1, name)
    const [, sql, sent] = calls[0] ?? []
    // An optional value that a call does not give is sent as undefined.
    assert.partialDeepStrictEqual(sent, values, name)
    const names = String(sql).match(/(?<=:)\w+/g) ?? []
    assert.deepEqual([...new Set(names)].sort(), Object.keys(Object(sent)).sort(), name)
    assert.doesNotMatch(String(sql), /[Gg]ary|Ada|\$2b\$|the digest|;|::/, name)
  }
})

const ID = { longValue: 7 }
const NAME = { stringValue: 'gary' }

test('without a session no statement names the table of sessions', async () => {
  for (const [call, row] of [
    [(users: Users) => users.insertUser(NEW_USER), GARY],
    [(users: Users) => users.findAccount(NEW_USER), ACCOUNT_ROW],
    [(users: Users) => users.findAccountById(7), ACCOUNT_ROW],
    [(users: Users) => users.changeHash(ACCOUNT, HASH), GARY],
  ] as const) {
    const { users, calls } = storeWith(row)
    await call(users)
    assert.doesNotMatch(String(calls[0]?.[1]), /session/)
  }
})

test('a malformed row is a server error, not a user', async () => {
  for (const row of [
    [],
    [ID],
    [{ stringValue: '7' }, NAME],
    [{ longValue: 1.5 }, NAME],
    [{ ...ID, longValue: Number('7.5') }, NAME],
    [ID, { isNull: true } as const],
    [NAME, ID],
  ]) {
    await assert.rejects(storeWith(row).users.insertUser(NEW_USER), TypeError, JSON.stringify(row))
  }
  // Without the hash, without a count, or with a count that is text.
  for (const row of [GARY, ACCOUNT_ROW.slice(0, 9), ACCOUNT_ROW.with(4, NAME)]) {
    await assert.rejects(storeWith(row).users.findAccount(NEW_USER), TypeError)
  }
})

test('an account is the row with every count', async () => {
  const { users } = storeWith(ACCOUNT_ROW, undefined)
  assert.partialDeepStrictEqual(await users.findAccount(NEW_USER), ACCOUNT)
  assert.equal(await users.findAccount(NEW_USER), undefined)
})

/** An error as the Data API sends it. */
const conflict = (text: string, sqlState = '23505') =>
  Object.assign(new Error(`ERROR: ${text}; SQLState: ${sqlState}`), {
    name: 'DatabaseErrorException',
  })
const ENGLISH = conflict(
  'duplicate key value violates unique constraint "users_lower_username_key"',
)
const FRENCH = conflict(
  "la valeur d'une clé dupliquée rompt la contrainte unique « users_username_key_key »",
)

test('a conflict on an index of the name repeats the statement once, which returns its own row or finds the name taken', async () => {
  for (const [results, expected] of [
    [[ENGLISH, GARY], { id: 7, username: 'gary' }],
    [[FRENCH, undefined], undefined],
    [[ENGLISH, FRENCH], undefined],
  ] as const) {
    const { users, calls } = storeWith(...results)
    assert.deepEqual(await users.insertUser(NEW_USER), expected)
    assert.deepEqual(calls[0], calls[1])
    assert.equal(calls.length, 2)
  }
})

test('a change of the username is taken on a conflict, and superseded if no id is returned', async () => {
  const change = (...results: readonly (Row | Error)[]) =>
    storeWith(...results).users.changeUsername(ACCOUNT, NEW_NAME)
  assert.equal(await change([ID]), 'changed')
  assert.equal(await change([{ isNull: true }]), 'superseded')
  assert.equal(await change(FRENCH), 'taken')
})

test('a conflict on any other index, and any other error, is a server error', async () => {
  for (const error of [
    conflict('duplicate key value violates unique constraint "users_pkey"'),
    conflict('duplicate key value violates unique constraint "users_username_key_key_2"'),
    conflict('null value in column "users_username_key_key"', '23502'),
  ]) {
    await assert.rejects(storeWith(error).users.insertUser(NEW_USER), error)
    await assert.rejects(storeWith(error).users.changeUsername(ACCOUNT, NEW_NAME), error)
    await assert.rejects(storeWith(ENGLISH, error).users.insertUser(NEW_USER), error)
  }
})
