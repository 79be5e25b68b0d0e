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

interface Case {
  readonly name: string
  readonly answers: readonly ScriptedAnswer[]
  readonly status: 500 | 503
  readonly code: string
  readonly logged: Readonly<Record<string, unknown>>
}

const unavailable = fault('ServiceUnavailableError', 503)
const htmlPage: ScriptedAnswer = { status: 502, body: `<html>${REVEALING}</html>` }

const cases: readonly Case[] = [
  {
    name: 'a paused database',
    answers: [fault('DatabaseResumingException', 400)],
    status: 503,
    code: 'database_resuming',
    logged: { error: 'DatabaseResumingException', httpStatus: 400 },
  },
  {
    name: 'a Data API that stays unavailable over all the attempts of the SDK',
    answers: [unavailable, unavailable, unavailable],
    status: 503,
    code: 'database_unavailable',
    logged: { error: 'ServiceUnavailableError', httpStatus: 503 },
  },
  {
    name: "a proxy's HTML",
    answers: [htmlPage, htmlPage, htmlPage],
    status: 503,
    code: 'database_unavailable',
    logged: { error: 'SyntaxError', httpStatus: 502 },
  },
  {
    name: 'a missing table',
    answers: [fault('DatabaseErrorException', 400, '42P01')],
    status: 500,
    code: 'internal_error',
    logged: { error: 'DatabaseErrorException', sqlState: '42P01' },
  },
  {
    name: 'a forbidden call',
    answers: [fault('AccessDeniedException', 403)],
    status: 500,
    code: 'internal_error',
    logged: { error: 'AccessDeniedException', httpStatus: 403 },
  },
]

test('a fault', async (t) => {
  const answers: ScriptedAnswer[] = []
  const { url, requests } = await scriptDataApi(t, answers)
  const send = await loadHandler(url)
  const script = (...next: readonly ScriptedAnswer[]) =>
    answers.splice(requests.length, answers.length, ...next)

  for (const { name, answers, status, code, logged } of cases) {
    await t.test(`${name} is answered ${status} ${code} and logged in one line`, async (t) => {
      script(...answers)
      const output = captureStderr(t)
      const response = await send(SIGN_UP)

      assert.equal(response.statusCode, status)
      assert.equal(bodyOf(response)['code'], code)
      assertDocumented(response)
      assert.match(output(), /^[^\n]*\n$/)
      const line: Readonly<Record<string, unknown>> = JSON.parse(output())
      const expected = { level: 'ERROR', requestId: 'test-request-id', ...logged }
      for (const [key, value] of Object.entries(expected)) assert.equal(line[key], value, key)
      assertSilent(`${output()}${response.body}`)
    })
  }

  await t.test('that loses the answer is made good by sending the statement again', async () => {
    const before = requests.length
    script({ lost: true }, ROW)
    assert.equal((await send(SIGN_UP)).statusCode, 201)
    assert.equal(requests.length - before, 2)
    assert.deepEqual(requests[before + 1], requests[before])
  })

  await t.test('that lasts too long is answered just before the function ends', async (t) => {
    const { handler } = await import('./sign-up.ts')
    script({ hangs: true })
    const output = captureStderr(t)
    const response = await sender(handler, 700)(SIGN_UP)

    assert.equal(response.statusCode, 503)
    assert.equal(bodyOf(response)['code'], 'timed_out')
    assertDocumented(response)
    assertSilent(output())
  })
})

/** Nothing secret, and nothing of our insides. */
function assertSilent(text: string): void {
  for (const secret of [PASSWORD, JWT_SECRET, DB_CLUSTER_ARN, DB_SECRET_ARN]) {
    assert.ok(!text.includes(secret), secret)
  }
  assert.doesNotMatch(text, /\$2b\$|INSERT|users|arn:|\n\s+at /)
}
