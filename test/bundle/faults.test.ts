import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, mock, type TestContext, test } from 'node:test'
import timers from 'node:timers/promises'
import { hash } from 'bcryptjs'
import { signToken } from '../../lib/adapters/tokens.ts'
import { bundleFunction } from '../support/bundled-function.ts'
import { accountRow, type ScriptedResponse, scriptDataApi } from '../support/data-api-script.ts'
import { exampleEvent, PROTECTED_ROUTE_KEYS } from '../support/example-requests.ts'
import { bodyOf, environment, eventWith, sender, signingKey } from '../support/handler.ts'
import { assertDocumented, successStatus } from '../support/openapi.ts'
import { captureStderr } from '../support/stderr.ts'

const PASSWORD = 'correct horse battery'
const SIGN_UP = eventWith({ username: 'gary', password: PASSWORD })
const ROW: ScriptedResponse = {
  body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }]], numberOfRecordsUpdated: 1 },
}
const { DB_CLUSTER_ARN, DB_SECRET_ARN, JWT_SECRET } = environment('')

/** The secrets that no response and no log line may hold. */
const SECRETS = [PASSWORD, JWT_SECRET, DB_CLUSTER_ARN, DB_SECRET_ARN]

/** A message as AWS may send it; none of it may be passed on. */
const REVEALING = `ERROR: ${DB_CLUSTER_ARN} INSERT INTO users ${PASSWORD} $2b$10$abc`

const fault = (errorType: string, status: number, sqlState = ''): ScriptedResponse => ({
  status,
  errorType,
  body: { message: `${REVEALING}${sqlState && `; SQLState: ${sqlState}`}` },
})

const resuming = fault('DatabaseResumingException', 400)
const unavailable = fault('ServiceUnavailableError', 503)
const noTable = fault('DatabaseErrorException', 400, '42P01')
const throttled = fault('ThrottlingException', 400)
const htmlPage: ScriptedResponse = { status: 502, body: `<html>${REVEALING}</html>` }
const lost: ScriptedResponse = { lost: true }
const HANGS: ScriptedResponse = { hangs: true }
const EMPTY: ScriptedResponse = { body: '' }
const cutOff: ScriptedResponse = { body: '{"records":[[{"longValue":7},{"stringV' }

const TAKEN: ScriptedResponse = { body: { records: [], numberOfRecordsUpdated: 0 } }

type Passing = readonly [name: string, responses: readonly ScriptedResponse[], status?: 400]
/** Transient faults: each of these responses is met by one call, and the status is 201 unless it says 400. */
const PASSING: readonly Passing[] = [
  ['a resuming database', [resuming, ROW]],
  ['a throttled call', [throttled, throttled, ROW]],
  ['a short outage', [unavailable, htmlPage, ROW]],
  ['a lost response', [lost, ROW]],
  ['four lost responses', [lost, lost, lost, lost, ROW]],
  ['empty responses', [EMPTY, { body: '{}' }, ROW]],
  ['a truncated response', [cutOff, ROW]],
  ['a call that hangs once', [HANGS, ROW]],
  ['an outage, and a rival who takes the name meanwhile', [unavailable, TAKEN], 400],
]

const INTERNAL = '500 internal_error'
const UNAVAILABLE = '503 database_unavailable 5'
type Lasting = readonly [name: string, ScriptedResponse, response: string, logged: string]
/** Faults that outlast the request, or that no retry helps: the response, and what the log line ends with. */
const LASTING: readonly Lasting[] = [
  ['a paused database', resuming, '503 database_resuming 15', 'DatabaseResumingException 400'],
  ['an unavailable Data API', unavailable, UNAVAILABLE, 'ServiceUnavailableError 503'],
  ["a proxy's HTML", htmlPage, UNAVAILABLE, 'SyntaxError 502'],
  ['a network that resets every connection', lost, UNAVAILABLE, 'TimeoutError ECONNRESET'],
  ['a database that never responds', HANGS, '503 timed_out 5', 'TimeoutError'],
  ['a missing table', noTable, INTERNAL, 'DatabaseErrorException 400 42P01'],
  ['a forbidden call', fault('AccessDeniedException', 403), INTERNAL, 'AccessDeniedException 403'],
  ['a wrong secret', fault('InvalidSecretException', 400), INTERNAL, 'InvalidSecretException 400'],
]

const responses: ScriptedResponse[] = []
const { path } = await bundleFunction()
const { url, requests, hung } = await scriptDataApi({ after }, responses)
Object.assign(process.env, environment(url))
const { handler } = createRequire(import.meta.url)(path)

// A pause between two calls is over at once, and the clock has moved on by it. Hashes and calls take their time.
const clock = performance.now.bind(performance)
let paused = 0
mock.method(performance, 'now', () => clock() + paused)
mock.method(timers, 'setTimeout', async (milliseconds: number) => {
  paused += milliseconds
})

/** Has the next requests met with these responses, and all that follow with the last one. */
function script([...next]: readonly ScriptedResponse[]): void {
  const last = next.at(-1) ?? HANGS
  responses.splice(requests.length, responses.length, ...next, ...Array(50).fill(last))
}

/** The response to a request, a sign-up if it is not given, what it logged, and the calls that it made. */
async function sendAgainst(
  t: TestContext,
  responses: readonly ScriptedResponse[],
  left: number,
  event = SIGN_UP,
) {
  const before = requests.length
  script(responses)
  const output = captureStderr(t)
  const response = await sender(handler, left)(event)
  assertDocumented(response, event.routeKey)
  return { response, output, made: requests.slice(before) }
}

/** Status, code and Retry-After. */
function summaryOf(response: Awaited<ReturnType<typeof sendAgainst>>['response']) {
  const { code } = response.body ? bodyOf(response) : {}
  return [response.statusCode, code, response.headers?.['retry-after']].filter(Boolean).join(' ')
}

/** Milliseconds for a request: enough for a hash on a busy machine, and few where a call hangs in real time. */
const timeFor = (responses: readonly ScriptedResponse[]) =>
  responses.includes(HANGS) ? 4000 : 15_000

for (const [name, responses, status = 201] of PASSING) {
  test(`a transient fault is retried: ${name}`, async (t) => {
    const { response, output, made } = await sendAgainst(t, responses, timeFor(responses))

    assert.equal(response.statusCode, status)
    assert.equal(bodyOf(response)['code'], status === 400 ? 'username_taken' : undefined)
    assert.equal(made.length, responses.length)
    for (const request of made) assert.deepEqual(request, made[0])
    assert.equal(output(), '')
  })
}

for (const [name, answer, expected, logged] of LASTING) {
  test(`a lasting fault is ${expected} and one log line: ${name}`, {
    timeout: 10_000,
  }, async (t) => {
    const before = hung.length
    const { response, output, made } = await sendAgainst(t, [answer], timeFor([answer]))

    assert.equal(summaryOf(response), expected)
    assert.ok(expected.startsWith('500') ? made.length === 1 : made.length >= 2, `${made.length}`)
    assert.match(output(), /^[^\n]*\n$/)
    const { level, requestId, error, httpStatus, errno, sqlState, ...timings } = JSON.parse(
      output(),
    )
    assert.deepEqual([level, requestId], ['ERROR', 'test-request-id'])
    assert.equal([error, httpStatus, errno, sqlState].filter(Boolean).join(' '), logged)
    // An outage that was waited for shows in them.
    assert.ok(timings.hashMs > 0 && timings.databaseMs > 0, output())
    assert.equal(timings.databaseRetries ?? 0, made.length - 1)
    assertSilent(`${output()}${response.body}`)
    // A call that hangs is aborted, and its connection closed.
    assert.equal(hung.length - before, answer === HANGS ? made.length : 0)
    await Promise.all(hung.slice(before))
  })
}

const HASH = await hash(PASSWORD, 10)
const CHEAP_HASH = await hash(PASSWORD, 4)
const account = (failures = 0, pauseSeconds = 0, passwordHash = HASH) =>
  accountRow(passwordHash, failures, pauseSeconds)
const NO_ROW = TAKEN
const DONE: ScriptedResponse = { body: { records: [], numberOfRecordsUpdated: 1 } }
const WON: ScriptedResponse = { body: { records: [[{ longValue: 7 }]] } }

const SIGN_IN = eventWith({ username: 'gary', password: PASSWORD }, 'sign-in')
const WRONG = eventWith({ username: 'gary', password: 'wrong horse battery' }, 'sign-in')
const KEY = signingKey()
const TOKEN = await signToken({ id: 7, username: 'gary' }, KEY, { ttlSeconds: 3600 })
const KEYED = { ...SIGN_UP, headers: { ...SIGN_UP.headers, 'idempotency-key': 'k'.repeat(20) } }
const CHANGE = 'POST /auth/change-password'
const INVALID = '401 invalid_credentials'
const WAIT_2 = '429 too_many_attempts 2'

const RENEW = exampleEvent('POST /auth/renew')
const SIGN_OUT = exampleEvent('POST /auth/sign-out')
const SESSION_SIGN_IN = eventWith({ ...bodyOf(SIGN_IN), session: true }, 'sign-in')
const SESSION_SIGN_UP = eventWith({ ...bodyOf(SIGN_UP), session: true })
const USER: ScriptedResponse = {
  body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }, { longValue: 0 }]] },
}
const NULL: ScriptedResponse = { body: { records: [[{ isNull: true }]] } }

type Exchange = readonly [
  name: string,
  event: typeof SIGN_IN,
  responses: readonly ScriptedResponse[],
  response: string,
]
/** Faults at each statement of a sign-in and a replay: each response is met by one call. */
const EXCHANGES: readonly Exchange[] = [
  ['an account that is not read', SIGN_IN, [noTable], INTERNAL],
  ['a failure without an account', WRONG, [NO_ROW, unavailable, DONE], INVALID],
  ['a failure that is not counted', WRONG, [account(), noTable], INTERNAL],
  ['an attempt that is not charged', SIGN_IN, [account(5), noTable], INTERNAL],
  ['a charge that arrives late', SIGN_IN, [account(5), unavailable, WON, DONE], '200'],
  // The charge stands, so the attempt itself waits.
  ['a charge whose response is lost', SIGN_IN, [account(5), lost, NO_ROW, account(6, 2)], WAIT_2],
  ['a pause that is over meanwhile', SIGN_IN, [account(5), NO_ROW, account(6), WON, DONE], '200'],
  ['a count that is reset meanwhile', SIGN_IN, [account(5), NO_ROW, account()], '200'],
  ['a count that is not reset', SIGN_IN, [account(1), noTable], INTERNAL],
  ['a hash that is not replaced', SIGN_IN, [account(0, 0, CHEAP_HASH), noTable], '200'],
  ['a pause', SIGN_IN, [lost, account(9, 2)], WAIT_2],
  ['a replay in a pause', KEYED, [lost, TAKEN, lost, account(9, 2)], WAIT_2],
  ['a renewal of an ended session', RENEW, [lost, NO_ROW], '401 session_ended'],
  ['a sign-out of no session', SIGN_OUT, [lost, NO_ROW], '204'],
  ['a renewal without rights', RENEW, [noTable], INTERNAL],
  ['a session of a changed password', SESSION_SIGN_IN, [account(), NULL], '409 account_changed'],
  ['a session that does not start', SESSION_SIGN_IN, [account(), noTable], INTERNAL],
  ['a superseded change', exampleEvent(CHANGE, TOKEN), [account(), NO_ROW], '409 account_changed'],
]

async function checkExchange(t: TestContext, [, event, responses, expected]: Exchange) {
  const { response, output, made } = await sendAgainst(t, responses, timeFor(responses), event)
  assert.equal(summaryOf(response), expected)
  assert.equal(made.length, responses.length)
  assert.equal(output() !== '', expected === INTERNAL)
  assertSilent(`${output()}${response.body}`)
}

for (const exchange of EXCHANGES) {
  const [name, , , expected] = exchange
  test(`a fault at another statement: ${name} is ${expected}`, (t) => checkExchange(t, exchange))
}

/** The statements of sign-ins and a replay when all is well, or the password is wrong. */
const WHOLE: readonly Exchange[] = [
  ['a sign-in', SIGN_IN, [account()], '200'],
  ['a sign-in that resets a count', SIGN_IN, [account(6), WON, DONE], '200'],
  ['a sign-in that replaces the hash', SIGN_IN, [account(0, 0, CHEAP_HASH), WON], '200'],
  ['a wrong sign-in', WRONG, [account(), DONE], INVALID],
  ['a replay', KEYED, [TAKEN, account()], '201'],
  ['a sign-up with a session', SESSION_SIGN_UP, [USER], '201'],
  ['a sign-in with a session', SESSION_SIGN_IN, [account(), WON], '200'],
  ['a renewal', RENEW, [USER], '200'],
  ['a sign-out', SIGN_OUT, [WON], '204'],
]
const TRANSIENT = [throttled, unavailable, htmlPage, lost, EMPTY, cutOff]

async function checkWithTransients(t: TestContext, [name, event, responses, expected]: Exchange) {
  // The replacement of a hash is one call, and the sign-in succeeds without it.
  const retried = name.includes('replaces') ? responses.slice(0, -1) : responses
  const last = responses.slice(retried.length)
  const scripted = [...retried.flatMap((answer) => [...TRANSIENT, answer]), ...last]
  const { response, made } = await sendAgainst(t, scripted, 29_000, event)
  assert.equal(summaryOf(response), expected)
  assert.equal(made.length, scripted.length)
}

for (const exchange of WHOLE) {
  const [name, , , expected] = exchange
  test(`every transient fault at each statement changes nothing: ${name} is ${expected}`, (t) =>
    checkWithTransients(t, exchange))
}

for (const routeKey of PROTECTED_ROUTE_KEYS) {
  test(`faults at each statement of ${routeKey}, as many as it runs when all is well`, async (t) => {
    const event = exampleEvent(routeKey, TOKEN)
    const { made } = await sendAgainst(t, [account(), WON], 15_000, event)
    const healthy = made.map((_, at) => (at === 0 ? account() : WON))
    const check = (...exchange: Exchange) => t.test(exchange[0], (t) => checkExchange(t, exchange))

    await check('a deleted user', event, [resuming, cutOff, NO_ROW], '401 token_invalid')
    for (const at of healthy.keys()) {
      const name = `statement ${at + 1} without rights`
      await check(name, event, [...healthy.slice(0, at), noTable], INTERNAL)
    }
    await t.test('every transient fault', (t) =>
      checkWithTransients(t, [routeKey, event, healthy, successStatus(routeKey)]),
    )
  })
}

test('without time for a call the response is 503 at once', async (t) => {
  const before = requests.length
  captureStderr(t)
  const response = await sender(handler, 900)(SIGN_UP)
  assert.equal(bodyOf(response)['code'], 'timed_out')
  assert.equal(requests.length, before)
})

/** Fails if the text holds a secret or an internal. */
function assertSilent(text: string): void {
  for (const secret of SECRETS) {
    assert.ok(!text.includes(secret), secret)
  }
  assert.doesNotMatch(text, /\$2b\$|INSERT|users|arn:|\n\s+at /)
}
