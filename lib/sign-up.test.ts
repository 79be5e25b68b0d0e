import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SignUpDeps, signUp } from './sign-up.ts'

const CREDENTIALS = { username: 'gary', password: 'correct horse' }

/** Deps that write down each call, and succeed where a test does not say otherwise. */
function recordedDeps(change: Partial<SignUpDeps> = {}) {
  const calls: unknown[][] = []
  const deps: SignUpDeps = {
    hashPassword: async () => 'the hash',
    insertUser: async () => ({ id: 7, username: 'gary as stored' }),
    signToken: async () => 'the token',
    ...change,
  }
  const recorded: SignUpDeps = {
    hashPassword(password) {
      calls.push(['hashPassword', password])
      return deps.hashPassword(password)
    },
    insertUser(username, passwordHash) {
      calls.push(['insertUser', username, passwordHash])
      return deps.insertUser(username, passwordHash)
    },
    signToken(user) {
      calls.push(['signToken', user])
      return deps.signToken(user)
    },
  }
  return { calls, deps: recorded }
}

test('a sign-up hashes the password, stores the hash and signs the row that was stored', async () => {
  const { calls, deps } = recordedDeps()
  assert.deepEqual(await signUp(CREDENTIALS, deps), { ok: true, token: 'the token' })
  assert.deepEqual(calls, [
    ['hashPassword', 'correct horse'],
    ['insertUser', 'gary', 'the hash'],
    ['signToken', { id: 7, username: 'gary as stored' }],
  ])
})

test('a name that is taken is told, and no token is signed', async () => {
  const { calls, deps } = recordedDeps({ insertUser: async () => undefined })
  assert.deepEqual(await signUp(CREDENTIALS, deps), { ok: false, reason: 'username_taken' })
  assert.deepEqual(
    calls.map(([verb]) => verb),
    ['hashPassword', 'insertUser'],
  )
})

const VERBS = ['hashPassword', 'insertUser', 'signToken'] as const

for (const [index, verb] of VERBS.entries()) {
  test(`a fault in ${verb} ends the sign-up and comes out unchanged`, async () => {
    const fault = new Error('fault')
    const { calls, deps } = recordedDeps({ [verb]: () => Promise.reject(fault) })
    await assert.rejects(signUp(CREDENTIALS, deps), (error) => error === fault)
    assert.deepEqual(
      calls.map(([called]) => called),
      VERBS.slice(0, index + 1),
    )
  })
}
