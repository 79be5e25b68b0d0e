import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenUser } from '../adapters/tokens.ts'
import type { Account } from './account.ts'
import { type SignInDeps, signIn } from './sign-in.ts'

const COUNTED = { failures: 1, pauseSeconds: 0 }
const ACCOUNT: Account = {
  id: 7,
  username: 'Gary as stored',
  passwordVersion: 2,
  passwordHash: 'the old hash',
  attempts: { stranger: COUNTED, device: COUNTED },
}
const CREDENTIALS = { usernameKey: 'gary', password: 'the password' }

/** Signs in with deps that succeed where a test does not say otherwise; `calls` are theirs, in order. */
async function attempt(change: Partial<SignInDeps> = {}, deviceOf?: TokenUser) {
  const calls: unknown[][] = []
  const recorded =
    <Args extends unknown[], Result>(name: string, dep: (...args: Args) => Result) =>
    (...args: Args) => {
      calls.push([name, ...args])
      return dep(...args)
    }
  const { loadTokenSigner = async () => async () => 'the token' } = change
  const deps: SignInDeps = {
    findAccount: recorded('find', change.findAccount ?? (async () => ACCOUNT)),
    verifyPassword: recorded('verify', change.verifyPassword ?? (async () => true)),
    countFailure: recorded('count', change.countFailure ?? (async () => {})),
    chargeAttempt: recorded('charge', change.chargeAttempt ?? (async () => true)),
    endFailures: recorded('end', change.endFailures ?? (async () => {})),
    isOutdated: change.isOutdated ?? (() => false),
    hashPassword: recorded('hash', change.hashPassword ?? (async () => 'the new hash')),
    replaceHash: recorded('replace', change.replaceHash ?? (async () => true)),
    loadTokenSigner: recorded('load', async () => recorded('sign', await loadTokenSigner())),
  }
  const result = await signIn({ ...CREDENTIALS, deviceOf }, deps).catch((error: unknown) => error)
  return { result, calls }
}

const GRANTED = { ok: true, code: 'signed_in', userId: 7, body: { token: 'the token' } }
const INVALID = { ok: false, reason: 'invalid_credentials' }
const FIND = [['find', 'gary'], ['load']]
const VERIFY = ['verify', 'the password', 'the old hash']
const SIGN = ['sign', ACCOUNT]

test('a token of this very account makes the client a device, any other a stranger', async () => {
  for (const [deviceOf, attempter] of [
    [undefined, 'stranger'],
    [{ userId: 8, passwordVersion: 2 }, 'stranger'],
    [{ userId: 7, passwordVersion: 2 }, 'device'],
    // A token from before a change of the password.
    [{ userId: 7, passwordVersion: 1 }, 'stranger'],
  ] as const) {
    assert.deepEqual(await attempt({}, deviceOf), {
      result: GRANTED,
      calls: [...FIND, VERIFY, ['end', 7, attempter], SIGN],
    })
  }
})

test('an unknown name and a wrong password have the same result, and no token is signed', async () => {
  const verifyPassword = async () => false
  const wrong = await attempt({ verifyPassword })
  const unknown = await attempt(
    { verifyPassword, findAccount: async () => undefined },
    { userId: 7, passwordVersion: 2 },
  )
  const count = ['count', 'gary', 'stranger']
  assert.deepEqual(wrong, { result: INVALID, calls: [...FIND, VERIFY, count] })
  const nobody = ['verify', 'the password', undefined]
  assert.deepEqual(unknown, { result: INVALID, calls: [...FIND, nobody, count] })
})

test('in a pause the result says how long it is, and nothing is compared', async () => {
  const attempts = { ...ACCOUNT.attempts, stranger: { failures: 8, pauseSeconds: 3 } }
  const { result, calls } = await attempt({ findAccount: async () => ({ ...ACCOUNT, attempts }) })
  assert.deepEqual(result, { ok: false, reason: 'too_many_attempts', retryAfterSeconds: 3 })
  assert.deepEqual(calls, FIND)
})

const fault = new Error('fault')
const fails = () => Promise.reject(fault)
const isOutdated = () => true
const HASH = ['hash', 'the password']
const REPLACE = ['replace', 7, 'the old hash', 'the new hash']

test('a hash of a lower cost is replaced, and whatever becomes of that the sign-in succeeds', async () => {
  const cases: readonly [string, Partial<SignInDeps>, ...unknown[][]][] = [
    ['done', {}, HASH, REPLACE],
    ['outrun', { replaceHash: async () => false }, HASH, REPLACE],
    ['failed', { replaceHash: fails }, HASH, REPLACE],
    ['failed', { hashPassword: fails }, HASH],
  ]
  for (const [rehash, change, ...renewal] of cases) {
    assert.deepEqual(await attempt({ isOutdated, ...change }), {
      result: { ...GRANTED, rehash },
      calls: [...FIND, VERIFY, ['end', 7, 'stranger'], ...renewal, SIGN],
    })
  }
})

test('a wrong password replaces no hash', async () => {
  const { calls } = await attempt({ isOutdated, verifyPassword: async () => false })
  assert.ok(!calls.some(([name]) => name === 'hash' || name === 'replace'))
})

test('a fault of any other dep is thrown unchanged', async () => {
  for (const change of [
    { findAccount: fails },
    { loadTokenSigner: fails },
    { loadTokenSigner: async () => fails },
    { verifyPassword: fails },
    { verifyPassword: async () => false, countFailure: fails },
    { endFailures: fails },
  ]) {
    assert.equal((await attempt(change)).result, fault)
  }
})

test('without a signing key nothing is compared or counted', async () => {
  const { result, calls } = await attempt({ loadTokenSigner: fails })
  assert.equal(result, fault)
  assert.deepEqual(calls, FIND)
})
