import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectPostgres } from '../lib/local/data-api/postgres-engine.ts'
import { bundleFunction } from '../lib/testing/bundled-function.ts'
import { serveDatabase } from '../lib/testing/database.ts'
import { environment, eventWith } from '../lib/testing/handler.ts'
import { NO_SERVER, temporaryDatabase } from '../lib/testing/temporary-database.ts'

test('of 16 simultaneous sign-ups of one name from 8 processes one succeeds', {
  skip: NO_SERVER,
}, async (t) => {
  const database = await serveDatabase(await connectPostgres(await temporaryDatabase(t)))
  t.after(() => database.close())
  const { run } = await bundleFunction()

  const processes = Array.from({ length: 8 }, (_, index) =>
    run(
      environment(database.url),
      ['Rival', 'rIVAL'].map((username) =>
        eventWith({ username, password: `password of process ${index}` }),
      ),
    ),
  )
  const outcomes = await Promise.all(processes)
  assert.deepEqual(outcomes.flatMap(({ statusCodes }) => statusCodes).sort(), [
    '201',
    ...Array(15).fill('400'),
  ])
  assert.deepEqual(await database.query('SELECT lower(username) FROM users'), [['rival']])
})
