import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sessionDigest } from '../../lib/accounts/session-tokens.ts'
import { signToken } from '../../lib/adapters/tokens.ts'
import { bundleFunction } from '../support/bundled-function.ts'
import { type ScriptedResponse, scriptDataApi } from '../support/data-api-script.ts'
import {
  BODY_ROUTE_KEYS,
  exampleEvent,
  isProtected,
  SESSION_ROUTE_KEYS,
} from '../support/example-requests.ts'
import { environment, eventWith, ROUTE_KEYS, signingKey, withToken } from '../support/handler.ts'

/** Quotes and a line break, so that its forms in JSON and in text differ. */
const PASSWORD = 'pass"word\nof möbius'
const KEY = 'an-idempotency-key-that-stays-secret'
const NAME = 'a name that stays secret'
const HASH = `$2b$10$${'h'.repeat(53)}`

/** A token that no output may hold: for an hour it opens the account. */
const TOKEN = `${'e'.repeat(20)}.${'y'.repeat(20)}.${'J'.repeat(20)}`

/** The session token of the events, which no output may hold, nor its digest. */
const SESSION = String(exampleEvent('POST /auth/renew').headers['authorization']).slice(7)

const key = signingKey()
const VALID = await signToken({ id: 7, username: NAME }, key, { ttlSeconds: 3600 })

/** Text that no output may hold, in each form in which it could be printed. */
const FORBIDDEN = [
  PASSWORD,
  'möbius',
  KEY,
  NAME,
  HASH,
  TOKEN,
  VALID,
  SESSION,
  sessionDigest(SESSION),
].flatMap((text) => [
  text,
  JSON.stringify(text).slice(1, -1),
  Buffer.from(text).toString('base64').replace(/=+$/, ''),
  encodeURIComponent(text),
])

const { run } = await bundleFunction()

/** Returns an environment with all log levels, all metrics and all switches for debugging. */
function verboseEnvironment(url: string) {
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
  session: true,
  newPassword: `${PASSWORD}!`,
})

/** Bodies with the password in them, valid and invalid, as text and in base64. */
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

const RESPONSES: readonly ScriptedResponse[] = [
  { body: { records: [[{ longValue: 7 }, { stringValue: NAME }]] } },
  { body: { records: [], numberOfRecordsUpdated: 0 } },
  { body: { records: [[{ stringValue: HASH }, { stringValue: NAME }]] } },
  { body: {} },
  fault(400, 'DatabaseErrorException'),
  fault(403, 'AccessDeniedException'),
  { status: 400, body: { __type: `${PASSWORD}` } },
]

/** Responses of transient faults, each repeated. */
const TRANSIENT: readonly ScriptedResponse[] = [
  fault(400, 'DatabaseErrorException', '40001'),
  { status: 502, body: `<html>${quoted}</html>` },
  { body: `{"records": ${quoted}` },
]

function assertNothingForbidden(log: string): void {
  for (const text of FORBIDDEN) assert.ok(!log.includes(text), text)
}

test('no output holds the password, the name, the key or the token, whatever the body', async (t) => {
  const { url } = await scriptDataApi(t, Array(400).fill(RESPONSES[1]))
  const events = BODIES.flatMap((body) => {
    const event = eventWith(body)
    const headers = { ...event.headers, 'idempotency-key': KEY }
    return [
      // With a token that is rejected, and on a protected route with one that is valid too.
      ...ROUTE_KEYS.flatMap((routeKey) => [
        { ...withToken(exampleEvent(routeKey), TOKEN), body },
        ...(isProtected(routeKey) ? [{ ...exampleEvent(routeKey, VALID), body }] : []),
      ]),
      ...SESSION_ROUTE_KEYS.map((routeKey) => exampleEvent(routeKey)),
      withToken({ ...exampleEvent('POST /auth/sign-in'), body }, SESSION),
      { ...withToken(exampleEvent('POST /auth/sign-in'), TOKEN), body, isBase64Encoded: true },
      { ...event, headers },
      { ...event, headers, body: Buffer.from(body).toString('base64'), isBase64Encoded: true },
      { ...event, headers: { ...headers, 'idempotency-key': `${KEY} ${PASSWORD}` } },
      { ...event, isBase64Encoded: true },
    ]
  })
  const { stdout, stderr, statusCodes } = await run(verboseEnvironment(url), events)
  assert.equal(statusCodes.length, events.length)
  assert.deepEqual([...new Set(statusCodes)], ['200', '204', '400', '401', '404'])
  for (const code of ['body_not_json', 'username_taken', 'invalid_credentials', 'token_invalid']) {
    assert.ok(stdout.includes(`"${code}"`), code)
  }
  assertNothingForbidden(`${stdout}${stderr}`)
})

test('no output quotes a response of the Data API', async (t) => {
  for (const responses of [RESPONSES, ...TRANSIENT.map((response) => Array(40).fill(response))]) {
    const { url } = await scriptDataApi(t, responses)
    const forms = BODY_ROUTE_KEYS.map((routeKey) => ({
      ...exampleEvent(routeKey, VALID),
      body: credentials,
    }))
    const events = responses === RESPONSES ? RESPONSES.flatMap(() => forms) : forms
    const { stdout, stderr, statusCodes } = await run(verboseEnvironment(url), events, {
      remainingMilliseconds: 2500,
    })
    assert.equal(statusCodes.length, events.length)
    assert.match(`${stdout}${stderr}`, /"level": "ERROR"/)
    // The token holds the name on purpose.
    assertNothingForbidden(`${stdout}${stderr}`.replace(/"token\\":\\"[\w.-]+/g, ''))
  }
})
