import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Deadline } from './deadline.ts'
import { type RetryOptions, untilDeadline } from './retries.ts'

const named = (name: string) => Object.assign(new Error(name), { name })
const RESUMING = named('DatabaseResumingException')
const THROTTLED = named('ThrottlingException')
const DENIED = named('AccessDeniedException')

/** A clock that only pauses move on, and what was done by it. `random` 1 makes each pause its longest. */
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
  return {
    run: () => untilDeadline(call, deadline, options),
    pauses,
    retried,
    calls: () => calls,
  }
}

test('a call that succeeds is made once', async () => {
  const { run, calls, pauses, retried } = scripted(['the row'], 28_000)
  assert.equal(await run(), 'the row')
  assert.equal(calls(), 1)
  assert.deepEqual([pauses, retried], [[], []])
})

test('a fault that passes is tried again, with pauses that double up to two seconds', async () => {
  const { run, pauses, retried } = scripted([...Array(8).fill(THROTTLED), 'the row'], 28_000)
  assert.equal(await run(), 'the row')
  assert.deepEqual(pauses, [50, 100, 200, 400, 800, 1600, 2000, 2000])
  assert.deepEqual(retried, Array(8).fill(THROTTLED))
})

test('a database that wakes up is asked politely: every one to three seconds', async () => {
  const { run, pauses } = scripted([...Array(6).fill(RESUMING), 'the row'], 28_000)
  assert.equal(await run(), 'the row')
  assert.deepEqual(pauses, [1000, 2000, 3000, 3000, 3000, 3000])
})

test('chance takes up to half of a pause away', async () => {
  const { run, pauses } = scripted([THROTTLED, RESUMING, 'the row'], 28_000, 0)
  await run()
  assert.deepEqual(pauses, [25, 1000])
  const between = scripted([THROTTLED, 'the row'], 28_000, 0.5)
  await between.run()
  assert.deepEqual(between.pauses, [37.5])
})

test('a fault that stays is not tried again', async () => {
  const { run, calls, retried } = scripted([DENIED], 28_000)
  await assert.rejects(run(), (error) => error === DENIED)
  assert.equal(calls(), 1)
  assert.deepEqual(retried, [])
})

test('when time runs out the last fault comes out, before the deadline', async () => {
  const { run, calls, pauses } = scripted([THROTTLED, RESUMING], 10_000)
  await assert.rejects(run(), (error) => error === RESUMING)
  assert.ok(calls() > 3)
  const waited = pauses.reduce((sum, pause) => sum + pause, 0)
  assert.ok(waited <= 9800 && waited > 6000, `${waited}`)
})

test('no call is made for which there is hardly time', async () => {
  const just = scripted([THROTTLED, 'the row'], 250)
  assert.equal(await just.run(), 'the row')
  const hardly = scripted([THROTTLED, 'the row'], 249)
  await assert.rejects(hardly.run(), (error) => error === THROTTLED)
  assert.equal(hardly.calls(), 1)
})

test('without any time there is no call at all', async () => {
  const { run, calls } = scripted(['the row'], 0)
  await assert.rejects(run(), { name: 'TimeoutError' })
  assert.equal(calls(), 0)
})

/** A call that never answers; resolves with how long it was let, by the mocked clock. */
async function letHang(t: TestContext, left: number): Promise<number> {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let aborted = false
  const running = untilDeadline(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true
          // What the SDK reports of a request that ends while its answer is read.
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
  [28_000, 10_000, 'the most'],
  [12_000, 6000, 'half of what is left'],
  [1500, 1000, 'the least'],
  [600, 600, 'all that is left'],
] as const) {
  test(`with ${left} ms left a call that hangs is aborted after ${milliseconds} ms: ${why}`, async (t) => {
    assert.equal(await letHang(t, left), milliseconds)
  })
}

test('a call that hangs is made again', async () => {
  let calls = 0
  const deadline = { remainingMilliseconds: () => 1500 - 400 * calls }
  const result = await untilDeadline(
    (signal) =>
      new Promise((resolve, reject) => {
        calls += 1
        if (calls === 2) resolve('the row')
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
    deadline,
  )
  assert.equal(result, 'the row')
})
