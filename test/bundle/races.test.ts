import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { bundleFunction } from '../support/bundled-function.ts'
import { serveDatabase } from '../support/database.ts'
import { environment, eventWith } from '../support/handler.ts'
import { NO_SERVER, temporaryDatabase } from '../support/temporary-database.ts'

const { run } = await bundleFunction()

/** Sends both events at one moment in each of 8 processes; resolves with the statuses and the stored names. */
async function race(t: TestContext, eventsOf: (process: number) => readonly object[]) {
  const database = await serveDatabase(await connectPostgres(await temporaryDatabase(t)))
  t.after(() => database.close())
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, (_, index) => run(environment(database.url), eventsOf(index))),
  )
  const statuses = outcomes.flatMap(({ statusCodes }) => statusCodes)
  const names = await database.query('SELECT lower(username) FROM users')
  return { statuses: statuses.sort(), names: names.flat() }
}

test('of 16 simultaneous sign-ups of one name from 8 processes one succeeds', {
  skip: NO_SERVER,
}, async (t) => {
  const { statuses, names } = await race(t, (index) =>
    ['Rival', 'rIVAL'].map((username) => eventWith({ username, password: `password ${index}` })),
  )
  assert.deepEqual(statuses, ['201', ...Array(15).fill('400')])
  assert.deepEqual(names, ['rival'])
})

test('of 16 identical requests at one moment from 8 processes, with one key, all succeed', {
  skip: NO_SERVER,
}, async (t) => {
  const event = eventWith({ username: 'Twin', password: 'correct horse battery' })
  const headers = { ...event.headers, 'idempotency-key': 'the-key-of-the-twins' }
  const keyed = { ...event, headers }
  const { statuses, names } = await race(t, () => [keyed, keyed])
  assert.deepEqual(statuses, Array(16).fill('201'))
  assert.deepEqual(names, ['twin'])
})
