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
    loadTokenSigner: async () => async () => 'the token',
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
    async loadTokenSigner() {
      calls.push(['loadTokenSigner'])
      const signToken = await deps.loadTokenSigner()
      return (user) => {
        calls.push(['signToken', user])
        return signToken(user)
      }
    },
  }
  return { calls, deps: recorded }
}

test('a sign-up hashes the password, stores the hash and signs the row that was stored', async () => {
  const { calls, deps } = recordedDeps()
  assert.deepEqual(await signUp(CREDENTIALS, deps), {
    ok: true,
    token: 'the token',
    userId: 7,
  })
  assert.deepEqual(calls, [
    ['hashPassword', 'correct horse'],
    ['loadTokenSigner'],
    ['insertUser', 'gary', 'the hash'],
    ['signToken', { id: 7, username: 'gary as stored' }],
  ])
})

test('a name that is taken is told, and no token is signed', async () => {
  const { calls, deps } = recordedDeps({ insertUser: async () => undefined })
  assert.deepEqual(await signUp(CREDENTIALS, deps), { ok: false, reason: 'username_taken' })
  assert.deepEqual(
    calls.map(([verb]) => verb),
    ['hashPassword', 'loadTokenSigner', 'insertUser'],
  )
})

const fault = new Error('fault')
const fails = () => Promise.reject(fault)

const FAULTS = {
  'the hash': { hashPassword: fails },
  'the key': { loadTokenSigner: fails },
  'the database': { insertUser: fails },
  'the signature': { loadTokenSigner: async () => fails },
}

for (const [name, change] of Object.entries(FAULTS)) {
  test(`a fault of ${name} ends the sign-up and comes out unchanged`, async () => {
    const { deps } = recordedDeps(change)
    await assert.rejects(signUp(CREDENTIALS, deps), (error) => error === fault)
  })
}

test('without a key to sign with nobody is stored', async () => {
  const { calls, deps } = recordedDeps({ loadTokenSigner: fails })
  await assert.rejects(signUp(CREDENTIALS, deps))
  assert.ok(!calls.some(([verb]) => verb === 'insertUser'))
})
