import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signToken } from '../../lib/adapters/tokens.ts'
import { bundleFunction } from '../support/bundled-function.ts'
import { type ScriptedResponse, scriptDataApi } from '../support/data-api-script.ts'
import { BODY_ROUTE_KEYS, exampleEvent, isProtected } from '../support/example-requests.ts'
import { environment, eventWith, ROUTE_KEYS, signingKey, withToken } from '../support/handler.ts'

/** Quotes and a line break, so that its forms in JSON and in text differ. */
const PASSWORD = 'pass"word\nof möbius'
const KEY = 'an-idempotency-key-nobody-may-see'
const NAME = 'a name that nobody may see'
const HASH = `$2b$10$${'h'.repeat(53)}`

/** A token that nothing may print: an hour long it is the account. */
const TOKEN = `${'e'.repeat(20)}.${'y'.repeat(20)}.${'J'.repeat(20)}`

const key = signingKey()
const VALID = await signToken({ id: 7, username: NAME }, key, { ttlSeconds: 3600 })

/** What no output may hold, in each form in which it could be printed. */
const FORBIDDEN = [PASSWORD, 'möbius', KEY, NAME, HASH, TOKEN, VALID].flatMap((text) => [
  text,
  JSON.stringify(text).slice(1, -1),
  Buffer.from(text).toString('base64').replace(/=+$/, ''),
  encodeURIComponent(text),
])

const { run } = await bundleFunction()

/** All log levels, all metrics, and whatever a person in search of a fault might switch on. */
function talkative(url: string) {
  const { POWERTOOLS_LOG_LEVEL: _, POWERTOOLS_METRICS_DISABLED: __, ...env } = environment(url)
  return {
    ...env,
    POWERTOOLS_LOG_LEVEL: 'DEBUG',
    POWERTOOLS_LOGGER_LOG_EVENT: 'true',
    POWERTOOLS_DEV: 'true',
    NODE_DEBUG: 'latchkey',
  }
}

/** A body that every route accepts. */
const credentials = JSON.stringify({
  username: NAME,
  password: PASSWORD,
  currentPassword: PASSWORD,
  newPassword: `${PASSWORD}!`,
})

/** Bodies with the password in them, right and wrong, as text and in base64. */
const BODIES = [
  credentials,
  credentials.slice(0, -1),
  `${credentials},`,
  credentials.replace('"', ''),
  credentials.replaceAll('\\n', '\n'),
  `\uFEFF${credentials}`,
  `[${credentials}]`,
  JSON.stringify(credentials),
  JSON.stringify({ username: PASSWORD, password: NAME }),
  JSON.stringify({ username: NAME, password: [PASSWORD] }),
  JSON.stringify({ username: PASSWORD, password: 'short' }),
  JSON.stringify({ username: NAME, password: PASSWORD.repeat(5) }),
  JSON.stringify({ currentPassword: PASSWORD, newPassword: `${PASSWORD}!` }),
  PASSWORD,
]

const quoted = `ERROR: ${PASSWORD} ${NAME} ${KEY} ${HASH}`
const fault = (status: number, errorType: string, sqlState = '42P01'): ScriptedResponse => ({
  status,
  errorType,
  body: { message: `${quoted}; SQLState: ${sqlState}` },
})

const ANSWERS: readonly ScriptedResponse[] = [
  { body: { records: [[{ longValue: 7 }, { stringValue: NAME }]] } },
  { body: { records: [], numberOfRecordsUpdated: 0 } },
  { body: { records: [[{ stringValue: HASH }, { stringValue: NAME }]] } },
  { body: {} },
  fault(400, 'DatabaseErrorException'),
  fault(403, 'AccessDeniedException'),
  { status: 400, body: { __type: `${PASSWORD}` } },
]

/** Responses of transient faults, each repeated. */
const PASSING: readonly ScriptedResponse[] = [
  fault(400, 'DatabaseErrorException', '40001'),
  { status: 502, body: `<html>${quoted}</html>` },
  { body: `{"records": ${quoted}` },
]

function assertSilent(log: string): void {
  for (const text of FORBIDDEN) assert.ok(!log.includes(text), text)
}

test('whatever the body, no output holds the password, the name, the key or the token', async (t) => {
  const { url } = await scriptDataApi(t, Array(400).fill(ANSWERS[1]))
  const events = BODIES.flatMap((body) => {
    const event = eventWith(body)
    const headers = { ...event.headers, 'idempotency-key': KEY }
    return [
      // With a token that is rejected, and on a protected route with one that is valid too.
      ...ROUTE_KEYS.flatMap((routeKey) => [
        { ...withToken(exampleEvent(routeKey), TOKEN), body },
        ...(isProtected(routeKey) ? [{ ...exampleEvent(routeKey, VALID), body }] : []),
      ]),
      { ...withToken(exampleEvent('POST /auth/sign-in'), TOKEN), body, isBase64Encoded: true },
      { ...event, headers },
      { ...event, headers, body: Buffer.from(body).toString('base64'), isBase64Encoded: true },
      { ...event, headers: { ...headers, 'idempotency-key': `${KEY} ${PASSWORD}` } },
      { ...event, isBase64Encoded: true },
    ]
  })
  const { stdout, stderr, statusCodes } = await run(talkative(url), events)
  assert.equal(statusCodes.length, events.length)
  assert.deepEqual([...new Set(statusCodes)], ['200', '400', '401', '404'])
  for (const code of ['body_not_json', 'username_taken', 'invalid_credentials', 'token_invalid']) {
    assert.ok(stdout.includes(`"${code}"`), code)
  }
  assertSilent(`${stdout}${stderr}`)
})

test('whatever the Data API responds, no output quotes it', async (t) => {
  for (const answers of [ANSWERS, ...PASSING.map((answer) => Array(40).fill(answer))]) {
    const { url } = await scriptDataApi(t, answers)
    const forms = BODY_ROUTE_KEYS.map((routeKey) => ({
      ...exampleEvent(routeKey, VALID),
      body: credentials,
    }))
    const events = answers === ANSWERS ? ANSWERS.flatMap(() => forms) : forms
    const { stdout, stderr, statusCodes } = await run(talkative(url), events, {
      remainingMilliseconds: 2500,
    })
    assert.equal(statusCodes.length, events.length)
    assert.match(`${stdout}${stderr}`, /"level": "ERROR"/)
    // The token holds the name, which is its purpose.
    assertSilent(`${stdout}${stderr}`.replace(/"token\\":\\"[\w.-]+/g, ''))
  }
})
