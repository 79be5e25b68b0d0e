import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SignUpDeps, signUp } from './sign-up.ts'

const REQUEST = {
  username: 'Gary',
  usernameKey: 'gary',
  password: 'correct horse',
  idempotencyKeySha256: undefined,
}
const KEYED = { ...REQUEST, idempotencyKeySha256: 'the digest' }
const STORED = { id: 7, username: 'Gary as stored' }
const NONE = { failures: 0, pauseSeconds: 0 }
const EARLIER = {
  id: 3,
  username: 'Gary as stored before',
  passwordVersion: 0,
  passwordHash: 'the earlier hash',
  attempts: { stranger: NONE, device: NONE },
}
const granted = (userId: number) => ({
  ok: true,
  code: 'created',
  userId,
  body: { token: 'the token' },
})

/** Deps that record their calls, and succeed where a test does not say otherwise. */
function recordedDeps(change: Partial<SignUpDeps> = {}) {
  const calls: unknown[][] = []
  const recorded =
    <Args extends unknown[], Result>(
      name: keyof SignUpDeps | 'signToken',
      dep: (...args: Args) => Result,
    ) =>
    (...args: Args) => {
      calls.push([name, ...args])
      return dep(...args)
    }
  const { loadTokenSigner = async () => async () => 'the token' } = change
  const deps: SignUpDeps = {
    hashPassword: recorded('hashPassword', change.hashPassword ?? (async () => 'the hash')),
    verifyPassword: recorded('verifyPassword', change.verifyPassword ?? (async () => true)),
    insertUser: recorded('insertUser', change.insertUser ?? (async () => STORED)),
    findEarlier: recorded('findEarlier', change.findEarlier ?? (async () => EARLIER)),
    findAccount: recorded('findAccount', async () => EARLIER),
    countFailure: recorded('countFailure', change.countFailure ?? (async () => {})),
    chargeAttempt: recorded('chargeAttempt', async () => true),
    endFailures: recorded('endFailures', async () => {}),
    loadTokenSigner: recorded('loadTokenSigner', async () =>
      recorded('signToken', await loadTokenSigner()),
    ),
  }
  return { calls, deps }
}

test('a sign-up hashes the password, stores the hash and signs the stored row', async () => {
  const { calls, deps } = recordedDeps()
  assert.deepEqual(await signUp(REQUEST, deps), granted(7))
  assert.deepEqual(calls, [
    ['hashPassword', 'correct horse'],
    ['loadTokenSigner'],
    [
      'insertUser',
      {
        username: 'Gary',
        usernameKey: 'gary',
        passwordHash: 'the hash',
        idempotencyKeySha256: undefined,
      },
    ],
    ['signToken', STORED],
  ])
})

test('a taken name is a result, and no token is signed', async () => {
  const { calls, deps } = recordedDeps({ insertUser: async () => undefined })
  assert.deepEqual(await signUp(REQUEST, deps), { ok: false, reason: 'username_taken' })
  assert.deepEqual(
    calls.map(([verb]) => verb),
    ['hashPassword', 'loadTokenSigner', 'insertUser'],
  )
})

const taken = async () => undefined

test('a replay with the key and the password gets a token of the stored row', async () => {
  const { calls, deps } = recordedDeps({ insertUser: taken })
  assert.deepEqual(await signUp(KEYED, deps), granted(3))
  assert.deepEqual(calls.slice(2), [
    [
      'insertUser',
      {
        username: 'Gary',
        usernameKey: 'gary',
        passwordHash: 'the hash',
        idempotencyKeySha256: 'the digest',
      },
    ],
    ['findEarlier', KEYED],
    ['verifyPassword', 'correct horse', 'the earlier hash'],
    ['signToken', EARLIER],
  ])
})

test('with an unknown key, or another password, the name is taken', async () => {
  const unknown = recordedDeps({ insertUser: taken, findEarlier: taken })
  const other = recordedDeps({ insertUser: taken, verifyPassword: async () => false })
  for (const { calls, deps } of [unknown, other]) {
    assert.deepEqual(await signUp(KEYED, deps), { ok: false, reason: 'username_taken' })
    assert.ok(!calls.some(([verb]) => verb === 'signToken'))
  }
})

test('a first sign-up with a key is one statement', async () => {
  const { calls, deps } = recordedDeps()
  await signUp(KEYED, deps)
  assert.ok(!calls.some(([verb]) => verb === 'findEarlier' || verb === 'verifyPassword'))
})

const fault = new Error('fault')
const fails = () => Promise.reject(fault)

test('a fault of any dep ends the sign-up and is thrown unchanged', async () => {
  for (const change of [
    { hashPassword: fails },
    { loadTokenSigner: fails },
    { insertUser: fails },
    { insertUser: taken, findEarlier: fails },
    { insertUser: taken, verifyPassword: fails },
    { insertUser: taken, verifyPassword: async () => false, countFailure: fails },
    { loadTokenSigner: async () => fails },
  ]) {
    await assert.rejects(signUp(KEYED, recordedDeps(change).deps), (error) => error === fault)
  }
})

test('without a signing key nobody is stored', async () => {
  const { calls, deps } = recordedDeps({ loadTokenSigner: fails })
  await assert.rejects(signUp(REQUEST, deps))
  assert.ok(!calls.some(([verb]) => verb === 'insertUser'))
})

test('a wrong password in a replay is counted with strangers, and a pause is a result', async () => {
  const wrong = recordedDeps({ insertUser: taken, verifyPassword: async () => false })
  await signUp(KEYED, wrong.deps)
  assert.deepEqual(wrong.calls.at(-1), ['countFailure', 'gary', 'stranger'])

  const attempts = { stranger: { failures: 7, pauseSeconds: 4 }, device: NONE }
  const findEarlier = async () => ({ ...EARLIER, attempts })
  const paused = recordedDeps({ insertUser: taken, findEarlier })
  assert.deepEqual(await signUp(KEYED, paused.deps), {
    ok: false,
    reason: 'too_many_attempts',
    retryAfterSeconds: 4,
  })
  assert.ok(!paused.calls.some(([verb]) => verb === 'verifyPassword' || verb === 'signToken'))
})
