import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Account, Attempter } from './account.ts'
import { type AttemptDeps, attemptPassword } from './attempts.ts'

const NONE = { failures: 0, pauseSeconds: 0 }

/** An account whose strangers have failed so often, and whose devices have not, or the other way round. */
const account = (
  failures: number,
  pauseSeconds = 0,
  attempter: Attempter = 'stranger',
): Account => ({
  id: 7,
  username: 'Gary',
  passwordVersion: 0,
  passwordHash: 'the hash',
  attempts: { stranger: NONE, device: NONE, [attempter]: { failures, pauseSeconds } },
})

/** Tries a password; `calls` are those of the deps, in order. */
async function attempt(
  tried: Account | undefined,
  change: Partial<AttemptDeps> = {},
  attempter: Attempter = 'stranger',
) {
  const calls: unknown[][] = []
  const recorded =
    <Args extends unknown[], Result>(name: string, dep: (...args: Args) => Result) =>
    (...args: Args) => {
      calls.push([name, ...args])
      return dep(...args)
    }
  const deps: AttemptDeps = {
    verifyPassword: recorded('verify', change.verifyPassword ?? (async () => true)),
    findAccount: recorded('find', change.findAccount ?? (async () => account(6, 2, attempter))),
    countFailure: recorded('count', change.countFailure ?? (async () => {})),
    chargeAttempt: recorded('charge', change.chargeAttempt ?? (async () => true)),
    endFailures: recorded('end', change.endFailures ?? (async () => {})),
  }
  const named = { usernameKey: 'gary', password: 'the password', account: tried, attempter }
  const result = await attemptPassword(named, deps)
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
const VERIFY = ['verify', 'the password', 'the hash']

for (const attempter of ['stranger', 'device'] as const) {
  const other = attempter === 'device' ? 'stranger' : 'device'
  const END = ['end', 7, attempter]
  const COUNT = ['count', 'gary', attempter]
  const CHARGE = (failures: number) => ['charge', 7, attempter, failures]
  const at = (failures: number, pauseSeconds = 0) => account(failures, pauseSeconds, attempter)
  const cases: readonly [string, Account, Partial<AttemptDeps>, unknown, ...unknown[][]][] = [
    [
      'a right password without failures is compared, and nothing is written',
      at(0),
      {},
      RIGHT,
      VERIFY,
    ],
    ['a right password after failures ends their count', at(4), {}, RIGHT, VERIFY, END],
    ['a wrong password is counted after the comparison', at(0), wrong, INVALID, VERIFY, COUNT],
    ['so is the fifth in a row', at(4), wrong, INVALID, VERIFY, COUNT],
    ['from then on a wrong one is charged before it', at(5), wrong, INVALID, CHARGE(5), VERIFY],
    ['and a right one too, which ends the count', at(9), {}, RIGHT, CHARGE(9), VERIFY, END],
    ['in a pause nothing is compared or counted', at(5, 8), {}, wait(8)],
    ['a lost charge waits as the row now says', at(5), lost, wait(2), CHARGE(5), ['find', 'gary']],
    [
      'and at least a second, also if the winner has ended the count',
      at(5),
      { ...lost, findAccount: async () => at(0) },
      wait(1),
      CHARGE(5),
      ['find', 'gary'],
    ],
    [
      'or the account is gone',
      at(5),
      { ...lost, findAccount: async () => undefined },
      wait(1),
      CHARGE(5),
      ['find', 'gary'],
    ],
    ['failures of the others do not matter', account(9, 900, other), {}, RIGHT, VERIFY],
  ]
  for (const [title, tried, change, result, ...calls] of cases) {
    test(`${attempter}: ${title}`, async () => {
      const expected = result === RIGHT ? { ...RIGHT, account: tried } : result
      assert.deepEqual(await attempt(tried, change, attempter), { result: expected, calls })
    })
  }
}

test('without an account the password is compared and counted all the same, and is never right', async () => {
  for (const change of [wrong, {}]) {
    assert.deepEqual(await attempt(undefined, change), {
      result: INVALID,
      calls: [
        ['verify', 'the password', undefined],
        ['count', 'gary', 'stranger'],
      ],
    })
  }
})

test('a fault of any dep is thrown unchanged', async () => {
  const fault = new Error('fault')
  const fails = () => Promise.reject(fault)
  const cases: readonly [Account, Partial<AttemptDeps>][] = [
    [account(0), { verifyPassword: fails }],
    [account(0), { ...wrong, countFailure: fails }],
    [account(5), { chargeAttempt: fails }],
    [account(5), { ...lost, findAccount: fails }],
    [account(5), { endFailures: fails }],
  ]
  for (const [tried, change] of cases) {
    await assert.rejects(attempt(tried, change), (error) => error === fault)
  }
})
