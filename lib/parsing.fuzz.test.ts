import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryEventBody } from '../test/support/arbitrary-events.ts'
import { fuzzRuns } from '../test/support/fuzz-runs.ts'
import { parseCredentials } from './credentials.ts'
import { readJsonBody } from './json-body.ts'
import { refusals } from './responses.ts'

const RULES = { passwordMinLength: 8, serviceName: 'latchkey' }
const TABLE = refusals(RULES.passwordMinLength)

test('any body becomes credentials within their limits or a documented reason, and nothing throws', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(arbitraryEventBody, (eventBody) => {
      const body = readJsonBody(eventBody)
      const result = body.ok ? parseCredentials(body.value, RULES) : body
      seen.add(result.ok ? 'ok' : result.reason)
      if (!result.ok) {
        assert.equal(TABLE[result.reason].status, 401)
        return
      }
      const { username, password } = result.credentials
      for (const text of [username, password]) {
        assert.equal(text, text.normalize('NFC'))
        assert.ok(text.isWellFormed())
      }
      assert.ok([...username].length >= 1 && [...username].length <= 50)
      assert.ok([...password].length >= 8 && Buffer.byteLength(password) <= 72)
    }),
    { numRuns: fuzzRuns(1000, 10_000) },
  )
  // Or the bodies would be too odd to reach most of the rules.
  assert.ok(seen.has('ok') && seen.size > 15, [...seen].join())
})
