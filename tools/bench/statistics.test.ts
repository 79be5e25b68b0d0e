import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, summarise, summariseRatios } from './statistics.ts'

test('median and quartiles, whatever the order, between two values where need be', () => {
  assert.deepEqual(summarise([5, 1, 4, 2, 3]), { median: 3, lower: 2, upper: 4, count: 5 })
  assert.deepEqual(summarise([10, 2]), { median: 6, lower: 4, upper: 8, count: 2 })
  assert.deepEqual(summarise([7]), { median: 7, lower: 7, upper: 7, count: 1 })
  assert.equal(median([100, 9, 10]), 10)
})

test('ratios are those of the pairs, and not of the medians', () => {
  const { median: ratio } = summariseRatios([10, 40, 90], [10, 20, 30])
  assert.equal(ratio, 2)
  assert.throws(() => summariseRatios([1, 2], [1]), /a floor of its own/)
})

test('nothing has no median', () => {
  assert.throws(() => summarise([]), RangeError)
  assert.throws(() => median([]), RangeError)
})
