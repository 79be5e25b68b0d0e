import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { createFaultQueue, INJECTED_FAULTS, parseFaultPlan } from './faults.ts'
import { success } from './responses.ts'

test('a plan is words of the form name or name:COUNT', () => {
  const plans = {
    resuming: 'resuming',
    'resuming:3 reset-after throttled': 'resuming resuming resuming reset-after throttled',
    ' slow,hang:2 ,\n': 'slow hang hang',
    ' , ': '',
  }
  for (const [text, plan] of Object.entries(plans)) {
    assert.deepEqual(parseFaultPlan(text), { ok: true, plan: plan.split(' ').filter(Boolean) })
  }
})

test('any other word is an error that lists the names', () => {
  for (const word of ['resume', 'Resuming', 'toString', 'slow:0', 'slow:1000', 'slow:', '3']) {
    const parsed = parseFaultPlan(`slow ${word}`)
    assert.ok(!parsed.ok)
    assert.ok(parsed.problem.startsWith(`"${word}" `))
    for (const name of Object.keys(INJECTED_FAULTS)) assert.ok(parsed.problem.includes(name), name)
  }
})

test('faults are taken in order, one a call; a plan replaces the one before, unless it is invalid', () => {
  const faults = createFaultQueue()
  assert.equal(faults.take(), undefined)
  faults.replace('slow:2')
  faults.replace('slow hang')
  faults.replace('throttled nonsense')
  assert.equal(faults.left(), 'slow hang')
  assert.equal(faults.take(), INJECTED_FAULTS.slow)
  assert.equal(faults.take(), INJECTED_FAULTS.hang)
  assert.equal(faults.take(), undefined)
  faults.replace('slow')
  faults.replace('')
  assert.equal(faults.left(), '')
})

test('a slow call is performed at once, and its response sent after 3 s or when the server closes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const seen = { called: false, responded: false }
  const call = async () => {
    seen.called = true
    return success({})
  }
  const response = INJECTED_FAULTS.slow(call, new Promise(() => {})).then(() => {
    seen.responded = true
  })
  await turnOfTheLoop()
  t.mock.timers.tick(2_999)
  await turnOfTheLoop()
  assert.deepEqual(seen, { called: true, responded: false })
  t.mock.timers.tick(1)
  await response
  await INJECTED_FAULTS.slow(call, Promise.resolve())
})
