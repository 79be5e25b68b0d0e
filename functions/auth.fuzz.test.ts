import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { arbitraryEvent } from '../test/support/arbitrary-events.ts'
import { serveDatabase } from '../test/support/database.ts'
import { fuzzRuns } from '../test/support/fuzz-runs.ts'
import { eventWith, loadHandler } from '../test/support/handler.ts'
import { assertDocumented } from '../test/support/openapi.ts'
import { openTestPglite } from '../test/support/pglite.ts'
import { captureStderr } from '../test/support/stderr.ts'

const database = await serveDatabase(await openTestPglite())
after(() => database.close())
const send = await loadHandler(database.url)

test('for any event the response is a documented 201, 400 or 401, and no fault is logged', async (t) => {
  const output = captureStderr(t)
  const seen = new Set<number | undefined>()
  const taken = eventWith({ username: 'somebody', password: 'correct horse battery' })
  await fc.assert(
    fc.asyncProperty(arbitraryEvent, async (event) => {
      const response = await send(event)
      assertDocumented(response)
      assert.ok([201, 400, 401].includes(response.statusCode ?? 0), response.body)
      seen.add(response.statusCode)
    }),
    // The same twice first, so that each of the three is seen whatever chance brings.
    { numRuns: fuzzRuns(200, 1000), examples: [[taken], [taken]] },
  )
  assert.equal(output(), '')
  assert.deepEqual([...seen].sort(), [201, 400, 401])
})
