import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inTurns, median, resultTable, summarise, summariseRatios } from './statistics.ts'

test('median and quartiles, in any order, between two values where needed', () => {
  assert.deepEqual(summarise([5, 1, 4, 2, 3]), { median: 3, lower: 2, upper: 4, count: 5 })
  assert.deepEqual(summarise([10, 2]), { median: 6, lower: 4, upper: 8, count: 2 })
  assert.equal(median([100, 9, 10]), 10)
  assert.throws(() => median([]), RangeError)
})

test('ratios are those of the pairs, not of the medians', () => {
  assert.equal(summariseRatios([10, 40, 90], [10, 20, 30]).median, 2)
  assert.throws(() => summariseRatios([1, 2], [1]), /a floor of its own/)
})

test('each round starts with the other one', async () => {
  const order: string[] = []
  const note = (name: string) => async () => order.push(name)
  await inTurns(3, note('a'), note('b'))
  assert.equal(order.join(''), 'abbaab')
})

test('a row shows its unit and its budget, and a missing one its reason', () => {
  const summary = summarise([1.25, 1.5, 1.75])
  const table = resultTable([
    { what: 'own time', summary, unit: 'ms', digits: 1, atMost: 3, detail: 'parts' },
    { what: 'growth', digits: 2, detail: 'no server' },
  ])
  assert.deepEqual(table.split('\n').slice(2), [
    '| own time | 1.5 ms | 1.4 to 1.6 | 3 ms | parts |',
    '| growth | not measured |  |  | no server |',
  ])
})
