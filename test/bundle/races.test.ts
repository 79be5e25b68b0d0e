import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hash } from 'bcryptjs'
import { newSession } from '../../lib/accounts/session-tokens.ts'
import { signToken } from '../../lib/adapters/tokens.ts'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { agedToken } from '../support/api.ts'
import { bundleFunction } from '../support/bundled-function.ts'
import { serveDatabase } from '../support/database.ts'
import { environment, eventWith, readEvent, signingKey, withToken } from '../support/handler.ts'
import { NO_SERVER, temporaryDatabase } from '../support/temporary-database.ts'

const { run } = await bundleFunction()
const HASH = await hash('correct horse battery', 10)

/**
 * Sends both events concurrently, or in turn, in each of 8 processes, after the SQL of `prepare`. Resolves with the
 * statuses, also of each process, the stored names, the failures of strangers, devices and fresh tokens of the first
 * user, and the number of sessions that have not ended.
 */
async function race(
  t: TestContext,
  eventsOf: (process: number) => readonly object[],
  prepare: string | readonly string[] = [],
  inTurn = false,
) {
  const database = await serveDatabase(await connectPostgres(await temporaryDatabase(t)))
  t.after(() => database.close())
  for (const sql of [prepare].flat()) await database.query(sql)
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      run(environment(database.url), eventsOf(index), { inTurn }),
    ),
  )
  const statuses = outcomes.flatMap(({ statusCodes }) => statusCodes)
  const names = await database.query('SELECT username_key FROM users')
  const sql = 'SELECT failures, device_failures, fresh_failures FROM users'
  const [counts = []] = await database.query(sql)
  const [[alive] = []] = await database.query(`SELECT count(*) FROM sessions
    JOIN users ON id = user_id AND users.password_version = sessions.password_version
    WHERE last_used > '-infinity'`)
  const byProcess = outcomes.map(({ statusCodes }) => statusCodes)
  return {
    statuses: statuses.sort(),
    byProcess,
    names: names.flat(),
    failures: counts.map(Number),
    alive: Number(alive),
  }
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

/** Returns SQL that stores a user with failures of each count, whose pauses are over. */
const userWith = (failures: number) =>
  `INSERT INTO users (username, username_key, password, failures, paused_until, device_failures, device_paused_until,
    fresh_failures, fresh_paused_until)
  SELECT 'Gary', 'gary', '${HASH}', ${failures}, ended, ${failures}, ended, ${failures}, ended
  FROM (SELECT now() - interval '1 second' AS ended) AS pauses`

test('the failures of 16 simultaneous guesses from 8 processes are all counted', {
  skip: NO_SERVER,
}, async (t) => {
  const { statuses, failures } = await race(t, () => [guess, guess], userWith(0))
  const compared = statuses.filter((status) => status === '401').length
  assert.ok(compared >= 5, statuses.join())
  assert.deepEqual(failures, [compared, 0, 0])
  assert.deepEqual(statuses.slice(compared), Array(16 - compared).fill('429'))
})

const key = signingKey()
const token = await signToken({ id: 1, username: 'Gary' }, key, { ttlSeconds: 3600 })
const WRONG = 'wrong horse battery'
const guess = eventWith({ username: 'gary', password: WRONG }, 'sign-in')
const deletion = eventWith({ password: WRONG }, 'delete-account')

for (const [title, event, ...expected] of [
  ['at sign-in', guess, 11, 10, 10],
  // One as a device, and one as a stranger while devices pause.
  ['at sign-in with a token', withToken(guess, token), 11, 11, 10],
  ['at sign-in with an expired token', withToken(guess, await agedToken(token, -60)), 11, 11, 10],
  ['with a token that is not fresh', withToken(deletion, await agedToken(token)), 10, 11, 10],
  ['with a fresh token', withToken(deletion, token), 10, 10, 11],
] as const) {
  test(`of 16 simultaneous guesses ${title} from 8 processes, after ten failures, one is compared for each count`, {
    skip: NO_SERVER,
  }, async (t) => {
    const { statuses, failures } = await race(t, () => [event, event], userWith(10))
    assert.deepEqual(failures, expected)
    const compared = expected.filter((count) => count === 11).length
    const codes = [...Array(compared).fill('401'), ...Array(16 - compared).fill('429')]
    assert.deepEqual(statuses, codes)
  })
}

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
  assert.deepEqual(failures, [0, 10, 10])
})

test('of 16 simultaneous changes of one password from 8 processes one succeeds', {
  skip: NO_SERVER,
}, async (t) => {
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
  // A request that reads the row after the change finds another version of the password.
  assert.match(statuses.join(), /^200(,401|,409){15}$/)
  assert.deepEqual(failures, [0, 0, 0])
})

const SESSION = newSession()

/** SQL that stores a user with a session that was used two days ago, so that a renewal records its use. */
const userWithSession = [
  userWith(0),
  `INSERT INTO sessions (digest, user_id, password_version, created_at, last_used)
  VALUES (decode('${SESSION.digest}', 'hex'), 1, 0, now() - interval '3 days', now() - interval '2 days')`,
]

const renewal = withToken(readEvent('renew'), SESSION.sessionToken)
const PASSWORD = 'correct horse battery'
const change = withToken(
  eventWith({ currentPassword: PASSWORD, newPassword: 'another horse battery' }, 'change-password'),
  token,
)

for (const [title, end] of [
  ['a sign-out', withToken(readEvent('sign-out'), SESSION.sessionToken)],
  ['a change of the password', change],
  ['a deletion', withToken(eventWith({ password: PASSWORD }, 'delete-account'), token)],
] as const) {
  test(`after the response to ${title} no renewal of 8 processes succeeds`, {
    skip: NO_SERVER,
  }, async (t) => {
    const { byProcess, alive } = await race(
      t,
      (index) => (index === 0 ? [end, renewal, renewal] : Array(6).fill(renewal)),
      userWithSession,
      true,
    )
    const [[ended, ...after] = [], ...others] = byProcess
    assert.match(String(ended), /^20/)
    assert.deepEqual(after, ['401', '401'])
    for (const statuses of others) assert.match(statuses.join(), /^(200,?)*(401,?)*$/)
    assert.equal(alive, 0)
  })
}

test('no session of the former password is open after a change, whichever of 16 sign-ins came first', {
  skip: NO_SERVER,
}, async (t) => {
  const signIn = eventWith({ username: 'gary', password: PASSWORD, session: true }, 'sign-in')
  const { statuses, alive } = await race(
    t,
    (index) => (index === 0 ? [change] : [signIn, signIn]),
    userWithSession,
  )
  assert.match(statuses.join(), /^(200,?)+(401,?)*(409,?)*$/)
  assert.equal(alive, 0)
})

test('sign-ins with sessions beside one another and beside a deletion cause no server error', {
  skip: NO_SERVER,
}, async (t) => {
  const signIn = eventWith({ username: 'gary', password: PASSWORD, session: true }, 'sign-in')
  const deletion = withToken(eventWith({ password: PASSWORD }, 'delete-account'), token)
  const surplus = [
    ...userWithSession,
    `INSERT INTO sessions (digest, user_id, password_version)
    SELECT sha256(convert_to(CAST(n AS TEXT), 'UTF8')), 1, 0 FROM generate_series(1, 30) AS n`,
  ]
  const kept = await race(t, () => [signIn, signIn], surplus)
  assert.deepEqual(kept.statuses, Array(16).fill('200'))
  assert.ok(kept.alive >= 20 && kept.alive <= 35, `${kept.alive}`)
  const gone = await race(t, (index) => (index === 0 ? [deletion] : [signIn, signIn]), surplus)
  assert.match(gone.statuses.join(), /^(200,?)*204,?(401,?)*(409,?)*$/)
  assert.equal(gone.alive, 0)
})
