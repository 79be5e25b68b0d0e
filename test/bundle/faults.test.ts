import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, type TestContext, test } from 'node:test'
import { bundleFunction } from '../support/bundled-function.ts'
import { type ScriptedAnswer, scriptDataApi } from '../support/data-api-script.ts'
import { bodyOf, environment, eventWith, sender } from '../support/handler.ts'
import { assertDocumented } from '../support/openapi.ts'
import { captureStderr } from '../support/stderr.ts'

const PASSWORD = 'correct horse battery'
const SIGN_UP = eventWith({ username: 'gary', password: PASSWORD })
const ROW: ScriptedAnswer = {
  body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }]], numberOfRecordsUpdated: 1 },
}
const { DB_CLUSTER_ARN, DB_SECRET_ARN, JWT_SECRET } = environment('')

/** What no response and no log line may hold. */
const SECRETS = [PASSWORD, JWT_SECRET, DB_CLUSTER_ARN, DB_SECRET_ARN]

/** What AWS may put into an error's message; none of it may be passed on. */
const REVEALING = `ERROR: ${DB_CLUSTER_ARN} INSERT INTO users ${PASSWORD} $2b$10$abc`

const fault = (errorType: string, status: number, sqlState = ''): ScriptedAnswer => ({
  status,
  errorType,
  body: { message: `${REVEALING}${sqlState && `; SQLState: ${sqlState}`}` },
})

/** The Data API's responses, and what must come of them. The last response is repeated. */
interface FaultCase {
  readonly name: string
  readonly answers: readonly [ScriptedAnswer, ...ScriptedAnswer[]]
  readonly status: 201 | 400 | 500 | 503
  readonly code?: string
  readonly retryAfter?: string
  readonly logged?: Readonly<Record<string, unknown>>
  /** Number of Data API calls; at least two where it is left out. */
  readonly calls?: number
}

const resuming = fault('DatabaseResumingException', 400)
const unavailable = fault('ServiceUnavailableError', 503)
const throttled = fault('ThrottlingException', 400)
const htmlPage: ScriptedAnswer = { status: 502, body: `<html>${REVEALING}</html>` }
const lost: ScriptedAnswer = { lost: true }
const HANGS: ScriptedAnswer = { hangs: true }
const EMPTY: ScriptedAnswer = { body: '' }
const cutOff: ScriptedAnswer = { body: '{"records":[[{"longValue":7},{"stringV' }

/** Transient faults. */
const PASSING: readonly FaultCase[] = [
  { name: 'a resuming database', answers: [resuming, ROW], status: 201, calls: 2 },
  { name: 'a throttled call', answers: [throttled, throttled, ROW], status: 201, calls: 3 },
  { name: 'a short outage', answers: [unavailable, htmlPage, ROW], status: 201, calls: 3 },
  { name: 'a lost response', answers: [lost, ROW], status: 201, calls: 2 },
  { name: 'four lost responses', answers: [lost, lost, lost, lost, ROW], status: 201, calls: 5 },
  {
    name: 'empty responses',
    answers: [EMPTY, { body: '{}' }, ROW],
    status: 201,
    calls: 3,
  },
  { name: 'a truncated response', answers: [cutOff, ROW], status: 201, calls: 2 },
  { name: 'a call that hangs once', answers: [HANGS, ROW], status: 201, calls: 2 },
  {
    name: 'an outage, and a rival who takes the name meanwhile',
    answers: [unavailable, { body: { records: [], numberOfRecordsUpdated: 0 } }],
    status: 400,
    code: 'username_taken',
    calls: 2,
  },
]

/** Faults that outlast the request, and faults that no retry helps. */
const LASTING: readonly FaultCase[] = [
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
    name: 'a network that resets every connection',
    answers: [lost],
    status: 503,
    code: 'database_unavailable',
    retryAfter: '5',
    logged: { errno: 'ECONNRESET' },
  },
  {
    name: 'a database that never responds',
    answers: [HANGS],
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

const answers: ScriptedAnswer[] = []
const { path } = await bundleFunction()
const { url, requests, hung } = await scriptDataApi({ after }, answers)
Object.assign(process.env, environment(url))
const { handler } = createRequire(import.meta.url)(path)

/** Has the next requests met with these responses, and all that follow with the last one. */
function script([...next]: readonly ScriptedAnswer[]): void {
  const last = next.at(-1) ?? HANGS
  answers.splice(requests.length, answers.length, ...next, ...Array(50).fill(last))
}

/** The response to a sign-up, what it logged, and the calls that it made. */
async function signUpAgainst(t: TestContext, answers: readonly ScriptedAnswer[], left: number) {
  const before = requests.length
  script(answers)
  const output = captureStderr(t)
  const response = await sender(handler, left)(SIGN_UP)
  return { response, output, made: requests.slice(before) }
}

for (const { name, answers, status, code, calls } of PASSING) {
  test(`a transient fault is retried: ${name}`, async (t) => {
    const { response, output, made } = await signUpAgainst(t, answers, 4000)

    assert.equal(response.statusCode, status)
    assert.equal(bodyOf(response)['code'], code)
    assert.equal(made.length, calls)
    for (const request of made) assert.deepEqual(request, made[0])
    assertDocumented(response)
    assert.equal(output(), '')
  })
}

for (const { name, answers, status, code, retryAfter, logged, calls } of LASTING) {
  test(`a lasting fault is ${status} ${code} and one log line: ${name}`, async (t) => {
    const { response, output, made } = await signUpAgainst(t, answers, 2500)

    assert.equal(response.statusCode, status)
    assert.equal(bodyOf(response)['code'], code)
    assert.equal(response.headers?.['retry-after'], retryAfter)
    assertDocumented(response)
    assert.ok(
      calls === undefined ? made.length >= 2 : made.length === calls,
      `${made.length} calls`,
    )
    assert.match(output(), /^[^\n]*\n$/)
    const line: Readonly<Record<string, unknown>> = JSON.parse(output())
    const expected = { level: 'ERROR', requestId: 'test-request-id', ...logged }
    for (const [key, value] of Object.entries(expected)) assert.equal(line[key], value, key)
    assertSilent(`${output()}${response.body}`)
  })
}

test('a call that hangs is aborted, and its connection closed', { timeout: 10_000 }, async (t) => {
  const before = hung.length
  script([HANGS])
  captureStderr(t)
  await sender(handler, 2500)(SIGN_UP)
  assert.ok(hung.length > before)
  await Promise.all(hung)
})

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
