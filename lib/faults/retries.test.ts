import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Deadline } from './deadline.ts'
import { type RetryOptions, retryUntilDeadline } from './retries.ts'

const named = (name: string) => Object.assign(new Error(name), { name })
const RESUMING = named('DatabaseResumingException')
const THROTTLED = named('ThrottlingException')
const DENIED = named('AccessDeniedException')

/** A call with scripted outcomes, and a clock that only pauses move. `random` 1 makes each pause its longest. */
function scripted(outcomes: readonly (Error | string)[], remaining: number, random = 1) {
  let left = remaining
  let calls = 0
  const pauses: number[] = []
  const retried: unknown[] = []
  const deadline: Deadline = { remainingMilliseconds: () => left }
  const options: RetryOptions = {
    random: () => random,
    onRetry: (thrown) => retried.push(thrown),
    async wait(milliseconds) {
      pauses.push(milliseconds)
      left -= milliseconds
    },
  }
  const call = async () => {
    const outcome = outcomes[Math.min(calls, outcomes.length - 1)]
    calls += 1
    if (outcome instanceof Error) throw outcome
    return outcome
  }
  const run = () => retryUntilDeadline(call, deadline, options)
  return { run, pauses, retried, calls: () => calls }
}

test('a call that succeeds is made once', async () => {
  const { run, calls, pauses, retried } = scripted(['the row'], 28_000)
  assert.equal(await run(), 'the row')
  assert.equal(calls(), 1)
  assert.deepEqual([pauses, retried], [[], []])
})

type Pauses = readonly [errors: readonly Error[], pauses: readonly number[], random: number]
const PAUSES: readonly Pauses[] = [
  // They double up to two seconds, and for a resuming database are one to three seconds.
  [Array(8).fill(THROTTLED), [50, 100, 200, 400, 800, 1600, 2000, 2000], 1],
  [Array(6).fill(RESUMING), [1000, 2000, 3000, 3000, 3000, 3000], 1],
  // They are random, from half of their length to all of it.
  [[THROTTLED, RESUMING], [25, 1000], 0],
  [[THROTTLED], [37.5], 0.5],
]

for (const [errors, expected, random] of PAUSES) {
  test(`transient errors are retried with pauses of ${expected.join(', ')} ms`, async () => {
    const { run, pauses, retried } = scripted([...errors, 'the row'], 28_000, random)
    assert.equal(await run(), 'the row')
    assert.deepEqual(pauses, expected)
    assert.deepEqual(retried, errors)
  })
}

test('a permanent error is not retried', async () => {
  const { run, calls, retried } = scripted([DENIED], 28_000)
  await assert.rejects(run(), (error) => error === DENIED)
  assert.equal(calls(), 1)
  assert.deepEqual(retried, [])
})

test('when time runs out, the last error is thrown, before the deadline', async () => {
  const { run, calls, pauses } = scripted([THROTTLED, RESUMING], 10_000)
  await assert.rejects(run(), (error) => error === RESUMING)
  assert.ok(calls() > 3)
  const waited = pauses.reduce((sum, pause) => sum + pause, 0)
  assert.ok(waited <= 9800 && waited > 6000, `${waited}`)
})

test('with less than 200 ms after the pause there is no retry', async () => {
  const just = scripted([THROTTLED, 'the row'], 250)
  assert.equal(await just.run(), 'the row')
  const hardly = scripted([THROTTLED, 'the row'], 249)
  await assert.rejects(hardly.run(), (error) => error === THROTTLED)
  assert.equal(hardly.calls(), 1)
})

test('without time left there is no call', async () => {
  const { run, calls } = scripted(['the row'], 0)
  await assert.rejects(run(), { name: 'TimeoutError' })
  assert.equal(calls(), 0)
})

/** Makes a call that hangs; resolves with the milliseconds of the mocked clock after which it is aborted. */
async function abortedAfter(t: TestContext, left: number): Promise<number> {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let aborted = false
  const running = retryUntilDeadline(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true
          // The error of the SDK if it is aborted while it reads a response.
          reject(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
        })
      }),
    { remainingMilliseconds: () => (aborted ? 0 : left) },
  ).catch((error: unknown) => error)
  let milliseconds = 0
  while (!aborted) {
    t.mock.timers.tick(1)
    milliseconds += 1
  }
  const error = await running
  assert.ok(error instanceof Error && error.name === 'TimeoutError')
  return milliseconds
}

for (const [left, milliseconds, why] of [
  [28_000, 5000, 'the maximum'],
  [8000, 4000, 'half of the time left'],
  [1500, 1000, 'the minimum'],
  [600, 600, 'all the time left'],
] as const) {
  test(`with ${left} ms left a call that hangs is aborted after ${milliseconds} ms: ${why}`, async (t) => {
    assert.equal(await abortedAfter(t, left), milliseconds)
  })
}

test('a call that hangs is retried', async () => {
  let calls = 0
  const call = (signal: AbortSignal) =>
    new Promise((resolve, reject) => {
      calls += 1
      if (calls === 2) resolve('the row')
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const deadline = { remainingMilliseconds: () => 1500 - 400 * calls }
  assert.equal(await retryUntilDeadline(call, deadline), 'the row')
})
