import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withTimeLimit } from './time-limit.ts'

test('a call that ends in time returns its value or its error, and is not aborted', async () => {
  let signal: AbortSignal | undefined
  const value = await withTimeLimit(async (given) => {
    signal = given
    return 'the row'
  }, 1000)
  assert.equal(value, 'the row')
  const failure = new Error('denied')
  const failed = withTimeLimit(() => Promise.reject(failure), 1000)
  await assert.rejects(failed, (error) => error === failure)
  assert.equal(signal?.aborted, false)
})

test('a call that ignores its signal is abandoned', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let signal: AbortSignal | undefined
  const limited = withTimeLimit((given) => {
    signal = given
    return new Promise(() => {})
  }, 1000)
  t.mock.timers.tick(999)
  assert.equal(signal?.aborted, false)
  t.mock.timers.tick(1)
  await assert.rejects(limited, { name: 'TimeoutError' })
  assert.equal(signal?.aborted, true)
})

test('a call that fails because it is aborted is a time-out', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const reset = Object.assign(new Error(), { code: 'ECONNRESET' })
  const call = (signal: AbortSignal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(reset)))
  const limited = withTimeLimit(call, 1000)
  t.mock.timers.tick(1000)
  await assert.rejects(limited, { name: 'TimeoutError' })
})
