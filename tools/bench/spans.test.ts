import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Call, ownTime, type Span } from './spans.ts'

const call = (...spans: readonly Span[]): Call => ({
  statusCode: 201,
  start: 1000,
  end: 1300,
  spans,
  peakBytes: 0,
})

const HASH: Span = { name: 'hash', start: 1001, end: 1281 }
const WAIT: Span = { name: 'data-api', start: 1283, end: 1296 }

test('own time is what is neither hash nor wait, whatever the secret takes beside them', () => {
  const secret: Span = { name: 'secret', start: 1000, end: 1200 }
  assert.deepEqual(ownTime(call(HASH, WAIT, secret)), {
    beforeHash: 1,
    beforeCall: 2,
    afterCall: 4,
    total: 7,
  })
})

test('a sign-up without a hash, with two calls, or with a call too early is not taken apart', () => {
  for (const spans of [[WAIT], [HASH], [HASH, WAIT, WAIT], [HASH, { ...WAIT, start: 1100 }]]) {
    assert.throws(() => ownTime(call(...spans)), /one hash, and after it one call/)
  }
})
