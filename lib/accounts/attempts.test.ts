import assert from 'node:assert/strict'
import { test } from 'node:test'
import { record } from '../../test/support/recorder.ts'
import type { Account, AttemptCounter } from './account.ts'
import { type AttemptDeps, attemptPassword } from './attempts.ts'

const NONE = { failures: 0, pauseSeconds: 0 }

/** An account with that many failures of one counter, and without any of the other. */
const account = (
  failures: number,
  pauseSeconds = 0,
  counter: AttemptCounter = 'stranger',
): Account => ({
  id: 7,
  username: 'Gary',
  passwordVersion: 0,
  passwordHash: 'the hash',
  attempts: { stranger: NONE, device: NONE, [counter]: { failures, pauseSeconds } },
})

/** Tries a password with deps that succeed where `change` does not replace them. */
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
const lost = { chargeAttempt: async () => false }
const RIGHT = { ok: true }
const INVALID = { ok: false, reason: 'invalid_credentials' }
const wait = (retryAfterSeconds: number) => ({
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
    ['a right password is compared, and nothing is written', at(0), {}, RIGHT, VERIFY],
    ['a right password after failures resets their count', at(4), {}, RIGHT, VERIFY, RESET],
    ['a wrong password is counted after the comparison', at(0), wrong, INVALID, VERIFY, COUNT],
    ['the fifth in a row is counted after it too', at(4), wrong, INVALID, VERIFY, COUNT],
    ['the sixth is charged before it', at(5), wrong, INVALID, CHARGE(5), VERIFY],
    [
      'a right one is charged too, and resets the count',
      at(9),
      {},
      RIGHT,
      CHARGE(9),
      VERIFY,
      RESET,
    ],
    ['in a pause nothing is compared or counted', at(5, 8), {}, wait(8)],
    ['a lost charge waits for the pause in the row', at(5), lost, wait(2), CHARGE(5), FIND],
    [
      'a lost charge waits for at least a second, also if the winner has reset the count',
      at(5),
      { ...lost, findAccountById: async () => at(0) },
      wait(1),
      CHARGE(5),
      FIND,
    ],
    [
      'a lost charge waits for a second if the account is gone',
      at(5),
      { ...lost, findAccountById: async () => undefined },
      wait(1),
      CHARGE(5),
      FIND,
    ],
    ['failures of the other counter do not matter', account(9, 900, other), {}, RIGHT, VERIFY],
  ]
  for (const [title, tried, change, result, ...calls] of cases) {
    test(`${counter}: ${title}`, async () => {
      const expected = result === RIGHT ? { ...RIGHT, account: tried } : result
      assert.deepEqual(await attempt(tried, change, counter), { result: expected, calls })
    })
  }
}

test('without an account the password is compared and counted all the same, and is never right', async () => {
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
