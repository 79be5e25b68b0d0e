import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Timings, timed } from './timings.ts'

/** Has the clock show these milliseconds, one per reading. */
function setClock(t: TestContext, ...readings: readonly number[]): void {
  const left = readings.values()
  t.mock.method(performance, 'now', () => left.next().value)
}

test('the result is that of the work, and each duration is added in tenths of a millisecond', async (t) => {
  setClock(t, 5, 17.26, 20, 21, 30, 30.04)
  const timings: Timings = {}
  assert.equal(await timed(timings, 'hashMs', async () => 'the hash'), 'the hash')
  assert.deepEqual(timings, { hashMs: 12.3 })
  await timed(timings, 'databaseMs', async () => {})
  await timed(timings, 'hashMs', async () => {})
  assert.deepEqual(timings, { hashMs: 12.3, databaseMs: 1 })
})

test('work that is done before the promise is returned counts', async (t) => {
  const readings = [1, 50, 100]
  t.mock.method(performance, 'now', () => readings.shift())
  const timings: Timings = {}
  await timed(timings, 'hashMs', () => Promise.resolve(readings.shift()))
  assert.deepEqual(timings, { hashMs: 99 })
})

test('the duration of a step that fails is added too', async (t) => {
  setClock(t, 5, 7)
  const timings: Timings = { databaseMs: 1 }
  await assert.rejects(
    timed(timings, 'databaseMs', () => Promise.reject(new Error('fault'))),
    /fault/,
  )
  assert.deepEqual(timings, { databaseMs: 3 })
})
