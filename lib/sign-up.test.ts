import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SignUpDeps, signUp } from './sign-up.ts'

const REQUEST = { username: 'gary', password: 'correct horse', idempotencyKeySha256: undefined }
const KEYED = { ...REQUEST, idempotencyKeySha256: 'the digest' }
const STORED = { id: 7, username: 'gary as stored' }
const EARLIER = { id: 3, username: 'gary as stored before', passwordHash: 'the earlier hash' }

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
    findEarlierUser: recorded('findEarlierUser', change.findEarlierUser ?? (async () => EARLIER)),
    loadTokenSigner: recorded('loadTokenSigner', async () =>
      recorded('signToken', await loadTokenSigner()),
    ),
  }
  return { calls, deps }
}

test('a sign-up hashes the password, stores the hash and signs the stored row', async () => {
  const { calls, deps } = recordedDeps()
  assert.deepEqual(await signUp(REQUEST, deps), { ok: true, token: 'the token', userId: 7 })
  assert.deepEqual(calls, [
    ['hashPassword', 'correct horse'],
    ['loadTokenSigner'],
    ['insertUser', { username: 'gary', passwordHash: 'the hash', idempotencyKeySha256: undefined }],
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
  assert.deepEqual(await signUp(KEYED, deps), { ok: true, token: 'the token', userId: 3 })
  assert.deepEqual(calls.slice(2), [
    [
      'insertUser',
      { username: 'gary', passwordHash: 'the hash', idempotencyKeySha256: 'the digest' },
    ],
    ['findEarlierUser', 'gary', 'the digest'],
    ['verifyPassword', 'correct horse', 'the earlier hash'],
    ['signToken', { id: 3, username: 'gary as stored before' }],
  ])
})

test('with an unknown key, or another password, the name is taken', async () => {
  const unknown = recordedDeps({ insertUser: taken, findEarlierUser: taken })
  const other = recordedDeps({ insertUser: taken, verifyPassword: async () => false })
  for (const { calls, deps } of [unknown, other]) {
    assert.deepEqual(await signUp(KEYED, deps), { ok: false, reason: 'username_taken' })
    assert.ok(!calls.some(([verb]) => verb === 'signToken'))
  }
})

test('a first sign-up with a key is one statement', async () => {
  const { calls, deps } = recordedDeps()
  await signUp(KEYED, deps)
  assert.ok(!calls.some(([verb]) => verb === 'findEarlierUser' || verb === 'verifyPassword'))
})

const fault = new Error('fault')
const fails = () => Promise.reject(fault)

test('a fault of any dep ends the sign-up and is thrown unchanged', async () => {
  for (const change of [
    { hashPassword: fails },
    { loadTokenSigner: fails },
    { insertUser: fails },
    { insertUser: taken, findEarlierUser: fails },
    { insertUser: taken, verifyPassword: fails },
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
