import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { success } from './answers.ts'
import { INJECTED_FAULTS } from './injected-faults.ts'

const ANSWER = success({ records: [] })

/** The answer of a slow call and when it is there; `called` once what was asked is done. */
function callSlowly(closing: Promise<void>) {
  const seen = { called: false, answered: false }
  const answer = INJECTED_FAULTS.slow(async () => {
    seen.called = true
    return ANSWER
  }, closing)
  void answer.then(() => {
    seen.answered = true
  })
  return { seen, answer }
}

test('a slow call is done at once and answered after 3 s', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { seen, answer } = callSlowly(new Promise(() => {}))
  await turnOfTheLoop()
  t.mock.timers.tick(2_999)
  await turnOfTheLoop()
  assert.deepEqual(seen, { called: true, answered: false })
  t.mock.timers.tick(1)
  assert.equal(await answer, ANSWER)
})

test('a slow call is answered when the server closes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { answer } = callSlowly(Promise.resolve())
  assert.equal(await answer, ANSWER)
})
