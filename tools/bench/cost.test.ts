import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { costOf, costTable, MEMORY_SIZES } from './cost.ts'

test('a hash takes longer on less than a vCPU, and no less time on more', () => {
  assert.equal(costOf(1769, 300).hashSeconds, 0.3)
  assert.equal(costOf(3008, 300).hashSeconds, 0.3)
  assert.equal(costOf(1769 / 4, 300).hashSeconds, 1.2)
})

test('a million sign-ups, computed by hand', () => {
  // 0.3 s of hash and 0.1 s of waiting, at 2 GB: 10⁶ × 0.4 × 2 × 0.0000133334 + 0.20
  assert.equal(costOf(2048, 300).dollarsPerMillion.toFixed(4), '10.8667')
  // At 512 MB the hash takes 0.3 × 1769 / 512 = 1.036523 s: 10⁶ × 1.136523 × 0.5 × 0.0000133334 + 0.20
  assert.equal(costOf(512, 300).dollarsPerMillion.toFixed(4), '7.7769')
})

test('the table has a line a size, and the formula with the measured hash in it', () => {
  const [head = '', , ...rows] = costTable(284).split('\n')
  assert.match(head, /hash = 0\.28 × max\(1, 1769 \/ MB\)/)
  assert.deepEqual(
    rows.map((row) => row.split(' ')[1]),
    MEMORY_SIZES.map(String),
  )
})

test("the price is that of README's table of what a million sign-ups cost", () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const lambda = /^\| Lambda, arm64, 1769 MB \|.*$/m.exec(readme)?.[0] ?? ''
  const [, price, requests] = /× ([\d.]+) \+ ([\d.]+)/.exec(lambda) ?? []
  const free = costOf(1024, 0)
  assert.equal(
    free.dollarsPerMillion.toFixed(6),
    (1e6 * free.seconds * Number(price) + Number(requests)).toFixed(6),
  )
})
