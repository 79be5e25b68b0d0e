import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ScriptedAnswer, scriptDataApi } from '../lib/testing/data-api-script.ts'
import { bodyOf, environment, eventWith, loadHandler, sender } from '../lib/testing/handler.ts'
import { assertDocumented } from '../lib/testing/openapi.ts'
import { captureStderr } from '../lib/testing/stderr.ts'

const PASSWORD = 'correct horse battery'
const SIGN_UP = eventWith({ username: 'gary', password: PASSWORD })
const ROW: ScriptedAnswer = {
  body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }]], numberOfRecordsUpdated: 1 },
}
const { DB_CLUSTER_ARN, DB_SECRET_ARN, JWT_SECRET } = environment('')

/** What AWS may put into an error's message; none of it may go further. */
const REVEALING = `ERROR: ${DB_CLUSTER_ARN} INSERT INTO users ${PASSWORD} $2b$10$abc`

const fault = (errorType: string, status: number, sqlState = ''): ScriptedAnswer => ({
  status,
  errorType,
  body: { message: `${REVEALING}${sqlState && `; SQLState: ${sqlState}`}` },
})

/** The last one is the answer to every call that comes after it. */
interface Case {
  readonly name: string
  readonly answers: readonly [ScriptedAnswer, ...ScriptedAnswer[]]
  readonly status: 201 | 400 | 500 | 503
  readonly code?: string
  readonly retryAfter?: string
  readonly logged?: Readonly<Record<string, unknown>>
  /** Calls that are made of it; where time decides, at least two. */
  readonly calls?: number
}

const resuming = fault('DatabaseResumingException', 400)
const unavailable = fault('ServiceUnavailableError', 503)
const throttled = fault('ThrottlingException', 400)
const htmlPage: ScriptedAnswer = { status: 502, body: `<html>${REVEALING}</html>` }
const lost: ScriptedAnswer = { lost: true }
const hangs: ScriptedAnswer = { hangs: true }
const cutOff: ScriptedAnswer = { body: '{"records":[[{"longValue":7},{"stringV' }

const passing: readonly Case[] = [
  { name: 'a database that wakes up', answers: [resuming, ROW], status: 201, calls: 2 },
  { name: 'a throttled call', answers: [throttled, throttled, ROW], status: 201, calls: 3 },
  { name: 'a short outage', answers: [unavailable, htmlPage, ROW], status: 201, calls: 3 },
  { name: 'a lost answer', answers: [lost, ROW], status: 201, calls: 2 },
  { name: 'lost answers', answers: [lost, lost, lost, lost, ROW], status: 201, calls: 5 },
  { name: 'an answer that was cut off', answers: [cutOff, ROW], status: 201, calls: 2 },
  { name: 'a call that hangs once', answers: [hangs, ROW], status: 201, calls: 2 },
  {
    name: 'an outage, and then a rival who was quicker',
    answers: [unavailable, { body: { records: [], numberOfRecordsUpdated: 0 } }],
    status: 400,
    code: 'username_taken',
    calls: 2,
  },
]

const lasting: readonly Case[] = [
  {
    name: 'a paused database',
    answers: [resuming],
    status: 503,
    code: 'database_resuming',
    retryAfter: '15',
    logged: { error: 'DatabaseResumingException', httpStatus: 400 },
  },
  {
    name: 'a Data API that stays unavailable',
    answers: [unavailable],
    status: 503,
    code: 'database_unavailable',
    retryAfter: '5',
    logged: { error: 'ServiceUnavailableError', httpStatus: 503 },
  },
  {
    name: "a proxy's HTML",
    answers: [htmlPage],
    status: 503,
    code: 'database_unavailable',
    retryAfter: '5',
    logged: { error: 'SyntaxError', httpStatus: 502 },
  },
  {
    name: 'a network that breaks every connection',
    answers: [lost],
    status: 503,
    code: 'database_unavailable',
    retryAfter: '5',
    logged: { errno: 'ECONNRESET' },
  },
  {
    name: 'a database that never answers',
    answers: [hangs],
    status: 503,
    code: 'timed_out',
    retryAfter: '5',
    logged: { error: 'TimeoutError' },
  },
  {
    name: 'a missing table',
    answers: [fault('DatabaseErrorException', 400, '42P01')],
    status: 500,
    code: 'internal_error',
    logged: { error: 'DatabaseErrorException', sqlState: '42P01' },
    calls: 1,
  },
  {
    name: 'a forbidden call',
    answers: [fault('AccessDeniedException', 403)],
    status: 500,
    code: 'internal_error',
    logged: { error: 'AccessDeniedException', httpStatus: 403 },
    calls: 1,
  },
  {
    name: 'a wrong secret',
    answers: [fault('InvalidSecretException', 400)],
    status: 500,
    code: 'internal_error',
    logged: { error: 'InvalidSecretException' },
    calls: 1,
  },
]

/** Enough for a hash, a call that hangs for a second and one more, and a pause of a database that wakes up. */
const LEFT_MILLISECONDS = 4000

test('a fault', async (t) => {
  const answers: ScriptedAnswer[] = []
  const { url, requests, hung } = await scriptDataApi(t, answers)
  await loadHandler(url)
  const { handler } = await import('./sign-up.ts')
  const send = sender(handler, LEFT_MILLISECONDS)

  const script = ([...next]: readonly ScriptedAnswer[]) => {
    const last = next.at(-1) ?? lost
    answers.splice(requests.length, answers.length, ...next, ...Array(50).fill(last))
  }

  for (const { name, answers, status, code, calls } of passing) {
    await t.test(`that passes, ${name}, is waited for`, async (t) => {
      const before = requests.length
      script(answers)
      const output = captureStderr(t)
      const response = await send(SIGN_UP)

      assert.equal(response.statusCode, status)
      assert.equal(bodyOf(response)['code'], code)
      assert.equal(requests.length - before, calls)
      for (const request of requests.slice(before)) assert.deepEqual(request, requests[before])
      assertDocumented(response)
      assert.equal(output(), '')
    })
  }

  for (const { name, answers, status, code, retryAfter, logged, calls } of lasting) {
    await t.test(`that lasts, ${name}, is ${status} ${code} and one line of the log`, async (t) => {
      const before = requests.length
      script(answers)
      const output = captureStderr(t)
      const response = await send(SIGN_UP)

      assert.equal(response.statusCode, status)
      assert.equal(bodyOf(response)['code'], code)
      assert.equal(response.headers?.['retry-after'], retryAfter)
      assertDocumented(response)
      const made = requests.length - before
      assert.ok(calls === undefined ? made >= 2 : made === calls, `${made} calls`)
      assert.match(output(), /^[^\n]*\n$/)
      const line: Readonly<Record<string, unknown>> = JSON.parse(output())
      const expected = { level: 'ERROR', requestId: 'test-request-id', ...logged }
      for (const [key, value] of Object.entries(expected)) assert.equal(line[key], value, key)
      assertSilent(`${output()}${response.body}`)
    })
  }

  await t.test('leaves no call behind: what hangs is aborted', { timeout: 10_000 }, async (t) => {
    const before = hung.length
    script([hangs])
    captureStderr(t)
    await send(SIGN_UP)
    assert.ok(hung.length > before)
    await Promise.all(hung)
  })

  await t.test('before there is time for a call is answered at once', async (t) => {
    const before = requests.length
    captureStderr(t)
    const response = await sender(handler, 900)(SIGN_UP)
    assert.equal(bodyOf(response)['code'], 'timed_out')
    assert.equal(requests.length, before)
  })
})

/** Nothing secret, and nothing of our insides. */
function assertSilent(text: string): void {
  for (const secret of [PASSWORD, JWT_SECRET, DB_CLUSTER_ARN, DB_SECRET_ARN]) {
    assert.ok(!text.includes(secret), secret)
  }
  assert.doesNotMatch(text, /\$2b\$|INSERT|users|arn:|\n\s+at /)
}
