import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hash } from 'bcryptjs'
import { signToken } from '../../lib/adapters/tokens.ts'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { bundleFunction } from '../support/bundled-function.ts'
import { serveDatabase } from '../support/database.ts'
import { environment, eventWith, signingKey, withToken } from '../support/handler.ts'
import { NO_SERVER, temporaryDatabase } from '../support/temporary-database.ts'

const { run } = await bundleFunction()
const HASH = await hash('correct horse battery', 10)

/**
 * Sends both events concurrently in each of 8 processes, after the SQL of `prepare`. Resolves with the statuses, the
 * stored names and the failures of the first user.
 */
async function race(
  t: TestContext,
  eventsOf: (process: number) => readonly object[],
  prepare = 'SELECT 1',
) {
  const database = await serveDatabase(await connectPostgres(await temporaryDatabase(t)))
  t.after(() => database.close())
  await database.query(prepare)
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, (_, index) => run(environment(database.url), eventsOf(index))),
  )
  const statuses = outcomes.flatMap(({ statusCodes }) => statusCodes)
  const names = await database.query('SELECT username_key FROM users')
  const failures = await database.query('SELECT failures FROM users')
  return { statuses: statuses.sort(), names: names.flat(), failures: Number(failures[0]?.[0]) }
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

test('16 simultaneous identical requests from 8 processes, with one key, all succeed', {
  skip: NO_SERVER,
}, async (t) => {
  const event = eventWith({ username: 'Twin', password: 'correct horse battery' })
  const headers = { ...event.headers, 'idempotency-key': 'the-key-of-the-twins' }
  const keyed = { ...event, headers }
  const { statuses, names } = await race(t, () => [keyed, keyed])
  assert.deepEqual(statuses, Array(16).fill('201'))
  assert.deepEqual(names, ['twin'])
})

/** Returns SQL that stores a user with failures, whose pause is over. */
const userWith = (failures: number) =>
  `INSERT INTO users (username, username_key, password, failures, paused_until)
  VALUES ('Gary', 'gary', '${HASH}', ${failures}, now() - interval '1 second')`

test('the failures of 16 simultaneous guesses from 8 processes are all counted', {
  skip: NO_SERVER,
}, async (t) => {
  const guess = eventWith({ username: 'gary', password: 'wrong horse battery' }, 'sign-in')
  const { statuses, failures } = await race(t, () => [guess, guess], userWith(0))
  const compared = statuses.filter((status) => status === '401').length
  assert.ok(compared >= 5, statuses.join())
  assert.equal(failures, compared)
  assert.deepEqual(statuses.slice(compared), Array(16 - compared).fill('429'))
})

test('of 16 simultaneous guesses from 8 processes, after ten failures, one is compared', {
  skip: NO_SERVER,
}, async (t) => {
  const guess = eventWith({ username: 'gary', password: 'wrong horse battery' }, 'sign-in')
  const { statuses, failures } = await race(t, () => [guess, guess], userWith(10))
  assert.deepEqual(statuses, ['401', ...Array(15).fill('429')])
  assert.equal(failures, 11)
})

test('of 16 simultaneous correct sign-ins from 8 processes, after ten failures, one resets the count', {
  skip: NO_SERVER,
}, async (t) => {
  const event = eventWith({ username: 'gary', password: 'correct horse battery' }, 'sign-in')
  const { statuses, failures } = await race(t, () => [event, event], userWith(10))
  // A request that reads the row after that finds no failures.
  assert.ok(statuses.includes('200'))
  assert.ok(
    statuses.every((status) => status === '200' || status === '429'),
    statuses.join(),
  )
  assert.equal(failures, 0)
})

test('of 16 simultaneous changes of one password from 8 processes one succeeds', {
  skip: NO_SERVER,
}, async (t) => {
  const key = signingKey()
  const token = await signToken({ id: 1, username: 'Gary' }, key, { ttlSeconds: 3600 })
  const { statuses, failures } = await race(
    t,
    (index) =>
      ['one', 'two'].map((word) => {
        const newPassword = `${word} horse battery of process ${index}`
        const body = { currentPassword: 'correct horse battery', newPassword }
        return withToken(eventWith(body, 'change-password'), token)
      }),
    userWith(0),
  )
  assert.deepEqual(statuses, ['200', ...Array(15).fill('401')])
  assert.equal(failures, 0)
})
