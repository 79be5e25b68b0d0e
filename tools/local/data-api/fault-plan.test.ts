import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createFaultQueue, parseFaultPlan } from './fault-plan.ts'
import { INJECTED_FAULTS } from './injected-faults.ts'

const PLANS = {
  resuming: ['resuming'],
  'resuming:3 reset-after throttled': [
    'resuming',
    'resuming',
    'resuming',
    'reset-after',
    'throttled',
  ],
  ' slow,hang:2 ,\n': ['slow', 'hang', 'hang'],
  '': [],
  ' , ': [],
}

for (const [text, plan] of Object.entries(PLANS)) {
  test(`${JSON.stringify(text)} plans ${plan.length}`, () => {
    assert.deepEqual(parseFaultPlan(text), { ok: true, plan })
  })
}

for (const word of [
  'resume',
  'Resuming',
  'toString',
  'slow:0',
  'slow:1000',
  'slow:',
  '3',
  'slow:-1',
]) {
  test(`${word} is refused, with the names that there are`, () => {
    const parsed = parseFaultPlan(`slow ${word}`)
    assert.ok(!parsed.ok)
    assert.match(parsed.problem, new RegExp(`^"${word}" is no fault\\. `))
    for (const name of Object.keys(INJECTED_FAULTS)) assert.ok(parsed.problem.includes(name), name)
  })
}

test('the faults are taken in order, one a call, and then there are none', () => {
  const faults = createFaultQueue()
  assert.equal(faults.take(), undefined)
  faults.replace('slow:2 hang')
  assert.equal(faults.take(), INJECTED_FAULTS.slow)
  assert.equal(faults.left(), 'slow hang')
  assert.equal(faults.take(), INJECTED_FAULTS.slow)
  assert.equal(faults.take(), INJECTED_FAULTS.hang)
  assert.equal(faults.take(), undefined)
  assert.equal(faults.left(), '')
})

test('a plan takes the place of the one before, unless it is wrong', () => {
  const faults = createFaultQueue()
  faults.replace('slow:2')
  faults.replace('hang')
  assert.equal(faults.left(), 'hang')
  faults.replace('throttled nonsense')
  assert.equal(faults.left(), 'hang')
  faults.replace('')
  assert.equal(faults.left(), '')
})

test('README has a row for every fault and for no other', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const [, table = ''] = readme.split('\n| fault | ')
  const names = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name)
  assert.deepEqual(names.toSorted(), Object.keys(INJECTED_FAULTS).toSorted())
})
