import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { bundleFunction } from '../support/bundled-function.ts'
import { serveDatabase } from '../support/database.ts'
import { environment, eventWith } from '../support/handler.ts'
import { NO_SERVER, temporaryDatabase } from '../support/temporary-database.ts'

const { run } = await bundleFunction()

async function serverDatabase(t: TestContext) {
  const database = await serveDatabase(await connectPostgres(await temporaryDatabase(t)))
  t.after(() => database.close())
  return database
}

test('of 16 simultaneous sign-ups of one name from 8 processes one succeeds', {
  skip: NO_SERVER,
}, async (t) => {
  const database = await serverDatabase(t)
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

test('of 16 identical requests at one moment from 8 processes, with one key, all succeed', {
  skip: NO_SERVER,
}, async (t) => {
  const database = await serverDatabase(t)
  const event = eventWith({ username: 'Twin', password: 'correct horse battery' })
  const keyed = {
    ...event,
    headers: { ...event.headers, 'idempotency-key': 'the-key-of-the-twins' },
  }
  const processes = Array.from({ length: 8 }, () => run(environment(database.url), [keyed, keyed]))
  const outcomes = await Promise.all(processes)
  assert.deepEqual(
    outcomes.flatMap(({ statusCodes }) => statusCodes),
    Array(16).fill('201'),
  )
  assert.deepEqual(await database.query('SELECT username FROM users'), [['Twin']])
})
