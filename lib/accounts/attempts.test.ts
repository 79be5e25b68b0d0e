import assert from 'node:assert/strict'
import { test } from 'node:test'
import { record } from '../../test/support/recorder.ts'
import type { Account, AttemptCounter } from './account.ts'
import { type AttemptDeps, attemptPassword, counterOf } from './attempts.ts'

const NO_FAILURES = { failures: 0, pauseSeconds: 0 }
const CLEAN = { stranger: NO_FAILURES, device: NO_FAILURES, fresh: NO_FAILURES }

/** An account with failures of one counter, and no failure of the others. */
const account = (
  failures: number,
  pauseSeconds = 0,
  counter: AttemptCounter = 'stranger',
): Account => ({
  id: 7,
  username: 'Gary',
  passwordVersion: 0,
  passwordHash: 'the hash',
  attempts: { ...CLEAN, [counter]: { failures, pauseSeconds } },
})

/** Tries a password with deps that succeed unless `change` replaces them. */
async function attempt(
  tried: Account | undefined,
  change: Partial<AttemptDeps> = {},
  ...[counter = 'stranger', ...others]: readonly AttemptCounter[]
) {
  const { deps, calls } = record<AttemptDeps>({
    verifyPassword: async () => true,
    findAccountById: async () => account(6, 2, counter),
    countFailure: async () => {},
    chargeAttempt: async () => true,
    resetFailures: async () => {},
    ...change,
  })
  const counters = [counter, ...others] as const
  const result = await attemptPassword({ password: 'password', account: tried, counters }, deps)
  return { result, calls }
}

const wrong = { verifyPassword: async () => false }
const notCharged = { chargeAttempt: async () => false }
const ACCEPTED = { ok: true, account: { id: 7 } }
const CHANGED = { ok: false, reason: 'account_changed', userId: 7 }
const INVALID = { ok: false, reason: 'invalid_credentials', userId: 7 }
const UNKNOWN = { ok: false, reason: 'invalid_credentials' }
const tooManyAttempts = (retryAfterSeconds: number, signInAgain = false) => ({
  ok: false,
  reason: 'too_many_attempts',
  userId: 7,
  retryAfterSeconds,
  signInAgain,
})
const VERIFY = ['verifyPassword', 'password', 'the hash']
/** A comparison that belongs to no password. */
const WAIT = ['verifyPassword', 'password', undefined]

for (const counter of ['stranger', 'device', 'fresh'] as const) {
  const other = counter === 'device' ? 'stranger' : 'device'
  const paused = (seconds: number) => tooManyAttempts(seconds, counter === 'device')
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
    ['during a pause nothing is compared or counted', at(5, 8), {}, paused(8)],
    [
      'an attempt that is not charged gets the pause of the row',
      at(5),
      notCharged,
      paused(2),
      CHARGE(5),
      WAIT,
      FIND,
    ],
    [
      'an attempt that is not charged goes on if the charged one has reset the count',
      at(5),
      { ...notCharged, findAccountById: async () => at(0) },
      ACCEPTED,
      CHARGE(5),
      WAIT,
      FIND,
      VERIFY,
    ],
    [
      'an attempt that is not charged is rejected if the account is gone',
      at(5),
      { ...notCharged, findAccountById: async () => undefined },
      CHANGED,
      CHARGE(5),
      WAIT,
      FIND,
    ],
    [
      'an attempt that is not charged is rejected if the password has changed',
      at(5),
      { ...notCharged, findAccountById: async () => ({ ...at(0), passwordVersion: 1 }) },
      CHANGED,
      CHARGE(5),
      WAIT,
      FIND,
    ],
    ['failures of the other counter have no effect', account(9, 900, other), {}, ACCEPTED, VERIFY],
  ]
  for (const [title, tried, change, result, ...calls] of cases) {
    test(`${counter}: ${title}`, async () => {
      const made = await attempt(tried, change, counter)
      assert.partialDeepStrictEqual(made.result, result)
      assert.deepEqual(made.calls, calls)
    })
  }
}

test('of several counts the first without a pause applies, or the one whose pause ends first', async () => {
  const withPauses = (device: number, stranger: number): Account => ({
    ...account(0),
    attempts: {
      ...CLEAN,
      device: { failures: 9, pauseSeconds: device },
      stranger: { failures: stranger && 9, pauseSeconds: stranger },
    },
  })
  for (const [tried, change, expected, ...calls] of [
    [withPauses(0, 0), wrong, INVALID, ['chargeAttempt', 7, 'device', 9], VERIFY],
    [withPauses(8, 0), wrong, INVALID, VERIFY, ['countFailure', 7, 'stranger']],
    [withPauses(8, 4), {}, tooManyAttempts(4)],
    [withPauses(4, 8), {}, tooManyAttempts(4)],
    // Another request has the charge of the device's count, which pauses now.
    [
      withPauses(0, 0),
      { ...notCharged, findAccountById: async () => withPauses(8, 0) },
      ACCEPTED,
      ['chargeAttempt', 7, 'device', 9],
      WAIT,
      ['findAccountById', 7],
      VERIFY,
    ],
  ] as const) {
    const made = await attempt(tried, change, 'device', 'stranger')
    assert.partialDeepStrictEqual(made.result, expected)
    assert.deepEqual(made.calls, calls)
  }
})

test('a token is fresh for five minutes after a password has earned it', () => {
  const now = Date.now() / 1000
  const token = { id: 7, passwordVersion: 0 }
  for (const [authTime, counter] of [
    [now - 290, 'fresh'],
    [now - 310, 'device'],
    [now + 60, 'fresh'],
  ] as const)
    assert.equal(counterOf({ ...token, authTime }), counter)
  assert.equal(counterOf(token), 'device')
})

test('without an account the password is compared and counted as usual, and always rejected', async () => {
  for (const change of [wrong, {}]) {
    assert.deepEqual(await attempt(undefined, change), {
      result: UNKNOWN,
      calls: [
        ['verifyPassword', 'password', undefined],
        ['countFailure', undefined, 'stranger'],
      ],
    })
  }
})
