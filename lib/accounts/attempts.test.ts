import assert from 'node:assert/strict'
import { test } from 'node:test'
import { record } from '../../test/support/recorder.ts'
import type { Account, AttemptCounter } from './account.ts'
import { type AttemptDeps, attemptPassword } from './attempts.ts'

const NO_FAILURES = { failures: 0, pauseSeconds: 0 }

/** An account with failures of one counter, and no failure of the other. */
const account = (
  failures: number,
  pauseSeconds = 0,
  counter: AttemptCounter = 'stranger',
): Account => ({
  id: 7,
  username: 'Gary',
  passwordVersion: 0,
  passwordHash: 'the hash',
  attempts: { stranger: NO_FAILURES, device: NO_FAILURES, [counter]: { failures, pauseSeconds } },
})

/** Tries a password with deps that succeed unless `change` replaces them. */
async function attempt(
  tried: Account | undefined,
  change: Partial<AttemptDeps> = {},
  counter: AttemptCounter = 'stranger',
) {
  const { deps, calls } = record<AttemptDeps>({
    verifyPassword: async () => true,
    findAccountById: async () => account(6, 2, counter),
    countFailure: async () => {},
    chargeAttempt: async () => true,
    resetFailures: async () => {},
    ...change,
  })
  const result = await attemptPassword({ password: 'password', account: tried, counter }, deps)
  return { result, calls }
}

const wrong = { verifyPassword: async () => false }
const notCharged = { chargeAttempt: async () => false }
const ACCEPTED = { ok: true }
const INVALID = { ok: false, reason: 'invalid_credentials' }
const tooManyAttempts = (retryAfterSeconds: number) => ({
  ok: false,
  reason: 'too_many_attempts',
  retryAfterSeconds,
})
const VERIFY = ['verifyPassword', 'password', 'the hash']

for (const counter of ['stranger', 'device'] as const) {
  const other = counter === 'device' ? 'stranger' : 'device'
  const RESET = ['resetFailures', 7, counter]
  const COUNT = ['countFailure', 7, counter]
  const CHARGE = (failures: number) => ['chargeAttempt', 7, counter, failures]
  const FIND = ['findAccountById', 7]
  const at = (failures: number, pauseSeconds = 0) => account(failures, pauseSeconds, counter)
  const cases: readonly [string, Account, Partial<AttemptDeps>, unknown, ...unknown[][]][] = [
    ['a correct password is compared, and nothing is written', at(0), {}, ACCEPTED, VERIFY],
    ['a correct password after failures resets their count', at(4), {}, ACCEPTED, VERIFY, RESET],
    ['a wrong password is counted after the comparison', at(0), wrong, INVALID, VERIFY, COUNT],
    [
      'the fifth in a row is also counted after the comparison',
      at(4),
      wrong,
      INVALID,
      VERIFY,
      COUNT,
    ],
    ['the sixth is charged before the comparison', at(5), wrong, INVALID, CHARGE(5), VERIFY],
    [
      'a correct sixth is charged too, and resets the count',
      at(9),
      {},
      ACCEPTED,
      CHARGE(9),
      VERIFY,
      RESET,
    ],
    ['during a pause nothing is compared or counted', at(5, 8), {}, tooManyAttempts(8)],
    [
      'an attempt that is not charged gets the pause of the row',
      at(5),
      notCharged,
      tooManyAttempts(2),
      CHARGE(5),
      FIND,
    ],
    [
      'an attempt that is not charged waits at least a second, even if the charged one reset the count',
      at(5),
      { ...notCharged, findAccountById: async () => at(0) },
      tooManyAttempts(1),
      CHARGE(5),
      FIND,
    ],
    [
      'an attempt that is not charged waits a second if the account is gone',
      at(5),
      { ...notCharged, findAccountById: async () => undefined },
      tooManyAttempts(1),
      CHARGE(5),
      FIND,
    ],
    ['failures of the other counter have no effect', account(9, 900, other), {}, ACCEPTED, VERIFY],
  ]
  for (const [title, tried, change, result, ...calls] of cases) {
    test(`${counter}: ${title}`, async () => {
      const expected = result === ACCEPTED ? { ...ACCEPTED, account: tried } : result
      assert.deepEqual(await attempt(tried, change, counter), { result: expected, calls })
    })
  }
}

test('without an account the password is compared and counted as usual, and always rejected', async () => {
  for (const change of [wrong, {}]) {
    assert.deepEqual(await attempt(undefined, change), {
      result: INVALID,
      calls: [
        ['verifyPassword', 'password', undefined],
        ['countFailure', undefined, 'stranger'],
      ],
    })
  }
})
