import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Account, Attempts } from './account.ts'
import { type ChangePasswordDeps, changePassword } from './change-password.ts'

const NONE: Attempts = { failures: 0, pauseSeconds: 0 }
const PAUSED = { failures: 9, pauseSeconds: 4 }
const account = (stranger = NONE, device = NONE): Account => ({
  id: 7,
  username: 'Gary',
  passwordVersion: 2,
  passwordHash: 'the hash',
  attempts: { stranger, device },
})
const REQUEST = {
  user: { userId: 7, passwordVersion: 2 },
  currentPassword: 'current',
  newPassword: 'another one',
}

/** Changes a password with deps that succeed where a test does not say otherwise; `calls` are theirs. */
async function change(replaced: Partial<ChangePasswordDeps> = {}, request = REQUEST) {
  const calls: string[] = []
  const recorded =
    <Args extends unknown[], Result>(name: string, dep: (...args: Args) => Result) =>
    (...args: Args) => {
      calls.push([name, ...args].join(' '))
      return dep(...args)
    }
  const deps: ChangePasswordDeps = {
    findAccount: async () => account(),
    findAccountById: replaced.findAccountById ?? (async () => account()),
    verifyPassword: recorded('verify', replaced.verifyPassword ?? (async () => true)),
    countFailure: recorded('count', replaced.countFailure ?? (async () => {})),
    chargeAttempt: recorded('charge', async () => true),
    endFailures: recorded('end', async () => {}),
    hashPassword: recorded('hash', async () => 'a new hash'),
    changeHash: recorded('change', replaced.changeHash ?? (async () => true)),
    loadTokenSigner:
      replaced.loadTokenSigner ??
      (async () =>
        async ({ id, username, passwordVersion }) =>
          `token of ${id} ${username} ${passwordVersion}`),
  }
  return { result: await changePassword(request, deps), calls }
}

const VERIFY = 'verify current the hash'
const STORE = ['hash another one', 'change 7 2 a new hash']

test('the current password is compared, the new one stored, and a token of the next version signed', async () => {
  assert.deepEqual(await change(), {
    result: {
      ok: true,
      code: 'password_changed',
      userId: 7,
      body: { token: 'token of 7 Gary 3' },
    },
    calls: [VERIFY, ...STORE],
  })
})

test('a token of nobody, or of another version, changes and compares nothing', async () => {
  const invalid = { result: { ok: false, reason: 'token_invalid' }, calls: [] }
  assert.deepEqual(await change({ findAccountById: async () => undefined }), invalid)
  for (const passwordVersion of [0, 1, 3]) {
    const user = { userId: 7, passwordVersion }
    assert.deepEqual(await change({}, { ...REQUEST, user }), invalid)
  }
})

test('the new password may not be the username in any form, which is told before the comparison', async () => {
  const request = { ...REQUEST, newPassword: 'ＧＡＲＹ' }
  assert.deepEqual(await change({}, request), {
    result: { ok: false, reason: 'new_password_is_username' },
    calls: [],
  })
})

test('a wrong current password is counted with devices, whatever strangers do', async () => {
  const wrong = {
    verifyPassword: async () => false,
    findAccountById: async () => account(PAUSED),
  }
  assert.deepEqual(await change(wrong), {
    result: { ok: false, reason: 'invalid_credentials' },
    calls: [VERIFY, 'count gary device'],
  })
  assert.deepEqual(await change({ findAccountById: async () => account(NONE, PAUSED) }), {
    result: { ok: false, reason: 'too_many_attempts', retryAfterSeconds: 4 },
    calls: [],
  })
  const counted = await change({
    findAccountById: async () => account(NONE, { failures: 1, pauseSeconds: 0 }),
  })
  assert.deepEqual(counted.calls, [VERIFY, 'end 7 device', ...STORE])
})

test('whom another change has outrun gets no token, and is not counted', async () => {
  assert.deepEqual(await change({ changeHash: async () => false }), {
    result: { ok: false, reason: 'invalid_credentials' },
    calls: [VERIFY, ...STORE],
  })
})

test('a fault is thrown unchanged, and without a key nothing is stored', async () => {
  const fault = new Error('fault')
  const fails = () => Promise.reject(fault)
  for (const replaced of [
    { findAccountById: fails },
    { verifyPassword: fails },
    { changeHash: fails },
    { loadTokenSigner: async () => fails },
    { loadTokenSigner: fails, changeHash: async () => assert.fail('It is stored.') },
  ]) {
    await assert.rejects(change(replaced), (error) => error === fault)
  }
})
