import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Account } from './account.ts'
import { type DeleteAccountDeps, deleteAccount } from './delete-account.ts'

const NONE = { failures: 0, pauseSeconds: 0 }
const PAUSED = { failures: 9, pauseSeconds: 4 }
const ACCOUNT: Account = {
  id: 7,
  username: 'Gary',
  passwordVersion: 2,
  passwordHash: 'the hash',
  attempts: { stranger: PAUSED, device: NONE },
}
const USER = { userId: 7, passwordVersion: 2 }

/** Deletes with deps that succeed where a test does not say otherwise; `deleted` are the ids. */
async function attempt(change: Partial<DeleteAccountDeps> = {}, user = USER) {
  const deleted: number[] = []
  const deps: DeleteAccountDeps = {
    findAccount: async () => ACCOUNT,
    findAccountById: async () => ACCOUNT,
    verifyPassword: async (password, hash) => `${password} of ${hash}` === 'right of the hash',
    countFailure: async () => {},
    chargeAttempt: async () => true,
    endFailures: async () => {},
    deleteUser: async (id) => void deleted.push(id),
    ...change,
  }
  return { result: await deleteAccount({ user, password: 'right' }, deps), deleted }
}

test('with the password the row of the token is deleted, whatever strangers do', async () => {
  const result = { ok: true, code: 'deleted', userId: 7 }
  assert.deepEqual(await attempt(), { result, deleted: [7] })
})

test('a wrong password is counted with devices, and in their pause nothing is compared', async () => {
  const counted: unknown[] = []
  const wrong = await attempt({
    verifyPassword: async () => false,
    countFailure: async (...count) => void counted.push(count),
  })
  assert.deepEqual(wrong, { result: { ok: false, reason: 'invalid_credentials' }, deleted: [] })
  assert.deepEqual(counted, [['gary', 'device']])
  const paused = await attempt({
    findAccountById: async () => ({ ...ACCOUNT, attempts: { stranger: NONE, device: PAUSED } }),
  })
  const result = { ok: false, reason: 'too_many_attempts', retryAfterSeconds: 4 }
  assert.deepEqual(paused, { result, deleted: [] })
})

test('a token of nobody, or of another version of the password, deletes nothing', async () => {
  const invalid = { result: { ok: false, reason: 'token_invalid' }, deleted: [] }
  assert.deepEqual(await attempt({ findAccountById: async () => undefined }), invalid)
  for (const passwordVersion of [0, 1, 3]) {
    assert.deepEqual(await attempt({}, { userId: 7, passwordVersion }), invalid)
  }
})
