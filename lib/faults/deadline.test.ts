import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RESPONSE_MARGIN_MILLISECONDS, startDeadline } from './deadline.ts'

test("the time left is Lambda's minus the margin, and never below 0", () => {
  let time = 5000
  const deadline = startDeadline(10_000, () => time)
  assert.equal(deadline.remainingMilliseconds(), 10_000 - RESPONSE_MARGIN_MILLISECONDS)
  time += 8999
  assert.equal(deadline.remainingMilliseconds(), 1)
  time += 2
  assert.equal(deadline.remainingMilliseconds(), 0)
})

test("without a Lambda context the deadline is the function's, within the gateway's 30 s", () => {
  assert.equal(
    startDeadline(undefined, () => 0).remainingMilliseconds(),
    29_000 - RESPONSE_MARGIN_MILLISECONDS,
  )
})
