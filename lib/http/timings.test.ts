import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Timings, timed } from './timings.ts'

test('the result is that of the work, and its time is added in tenths of a millisecond', async () => {
  const timings: Timings = {}
  assert.equal(await timed(timings, 'hashMs', Promise.resolve('the hash')), 'the hash')
  assert.deepEqual(Object.keys(timings), ['hashMs'])
  await timed(timings, 'databaseMs', sleep(1))
  assert.deepEqual(Object.keys(timings), ['hashMs', 'databaseMs'])
  for (const time of Object.values(timings)) {
    assert.ok(time >= 0 && time < 1000 && Number((time * 10).toFixed(6)) % 1 === 0, `${time}`)
  }
})

test('the time of a second step is added to that of the first', async () => {
  const timings: Timings = { hashMs: 1000, databaseMs: 2000 }
  await timed(timings, 'hashMs', sleep(1))
  await timed(timings, 'databaseMs', sleep(1))
  assert.ok(Number(timings.hashMs) > 1000 && Number(timings.databaseMs) > 2000)
})

test('the time of a step that fails is added too', async () => {
  const timings: Timings = {}
  await assert.rejects(timed(timings, 'databaseMs', Promise.reject(new Error('fault'))), /fault/)
  assert.ok(timings.databaseMs !== undefined)
})
