import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Reason, rejections, SUCCESSES } from './outcomes.ts'
import { createResponder, respondToFault } from './responses.ts'

const respond = createResponder({ passwordMinLength: 8 })
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** RFC 6750, section 3.1: no error where the request has no token, and for other credentials. */
function challengeOf(reason: Reason): string {
  if (/^(invalid_credentials|token_missing|session_missing)$/.test(reason)) return 'Bearer'
  const isToken = /^(token|session)_(expired|invalid|malformed|ended)$/.test(reason)
  return `Bearer error="${isToken ? 'invalid_token' : 'invalid_request'}"`
}

const table = rejections(8)
const isSuccess = (code: string): code is keyof typeof SUCCESSES => Object.hasOwn(SUCCESSES, code)
const isReason = (code: string): code is Reason => Object.hasOwn(table, code)
/** Returns the reasons with a status; openapi.yaml is the contract for them. */
const reasonsOf = (status: number) =>
  Object.keys(table)
    .filter((code) => isReason(code))
    .filter((code) => table[code].status === status)

test('a success has its status and its body, and only a public document may be cached', () => {
  const body = { token: 'a.b.c' }
  const json = JSON.stringify(body)
  for (const [code, { status }] of Object.entries(SUCCESSES)) {
    assert.ok(isSuccess(code))
    const outcome = { ok: true, code } as const
    assert.deepEqual(respond({ ...outcome, body }), {
      statusCode: status,
      headers: HEADERS,
      body: json,
    })
    const empty = { statusCode: status, headers: { 'cache-control': 'no-store' } }
    assert.deepEqual(respond(outcome), empty)
    const headers = { ...HEADERS, 'cache-control': 'public, max-age=300' }
    const cached = { statusCode: status, headers, body: json }
    assert.deepEqual(respond({ ...outcome, body, publicSeconds: 300 }), cached)
  }
})

test('too many attempts is 429 with the seconds to wait, and says if a new sign-in helps', () => {
  for (const [signInAgain, err] of [
    [false, 'Too many attempts: try again in 8 seconds'],
    [true, 'Too many attempts: sign in again, or try again in 8 seconds'],
  ] as const) {
    const outcome = { ok: false, reason: 'too_many_attempts', retryAfterSeconds: 8 } as const
    const body = JSON.stringify({ err, code: 'too_many_attempts' })
    const headers = { ...HEADERS, 'retry-after': '8' }
    assert.deepEqual(respond({ ...outcome, signInAgain }), { statusCode: 429, headers, body })
  }
})

test('each reason has its status, its headers, its text and its code', () => {
  for (const status of [400, 401, 404, 409, 500, 503]) {
    for (const reason of reasonsOf(status)) {
      const retryAfter = status === 503 && (reason === 'database_resuming' ? '15' : '5')
      const challenge = status === 401 && { 'www-authenticate': challengeOf(reason) }
      const headers = { ...HEADERS, ...challenge, ...(retryAfter && { 'retry-after': retryAfter }) }
      const body = JSON.stringify({ err: table[reason].err, code: reason })
      assert.deepEqual(respond({ ok: false, reason }), { statusCode: status, headers, body })
    }
  }
})

test('the text of a client error names the field of the code, the problem and what to send', () => {
  assert.equal(table.invalid_credentials.err, 'Invalid credentials.')
  for (const reason of reasonsOf(401)) {
    if (reason === 'invalid_credentials') continue
    const { err } = table[reason]
    const [, field = ''] = /^([\w-]+) (?:is|has|begins) [^:]+: (?:send|sign in) ./.exec(err) ?? []
    const prefix = field.replaceAll(/-|(?=[A-Z])/g, '_').toLowerCase()
    assert.ok(field !== '' && reason.startsWith(`${prefix}_`), `${reason}: ${err}`)
  }
})

test('the text of a body that is not an object names the members of the route', () => {
  const outcome = { ok: false, reason: 'body_not_object', members: ['a', 'b'] } as const
  const { statusCode, headers = {}, body = '' } = respond(outcome)
  assert.deepEqual([statusCode, headers['www-authenticate']], [401, challengeOf('body_missing')])
  assert.match(String(JSON.parse(body).err), /: send \{"a": string, "b": string\}$/)
})

test('the limits in the texts are the limits in force', () => {
  const strict = rejections(15)
  assert.match(strict.password_too_short.err, /at least 15 characters and at most 72 bytes/)
  assert.match(strict.password_too_long.err, /at least 15 characters and at most 72 bytes/)
  assert.match(strict.username_too_long.err, /1 to 50 characters/)
  assert.match(strict.idempotency_key_malformed.err, /16 to 255 visible ASCII characters/)
  assert.match(strict.body_too_large.err, /at most 16384 bytes/)
})

test('a server error has the same response with and without configuration', () => {
  for (const reason of ['internal_error', 'database_resuming'] as const) {
    assert.deepEqual(respondToFault(reason), respond({ ok: false, reason }))
  }
})

test('the text of a server error shows no internals, and that of a transient one says to try again', () => {
  for (const reason of [...reasonsOf(500), ...reasonsOf(503)]) {
    const { err } = table[reason]
    assert.doesNotMatch(err, /arn|aurora|postgres|sql|lambda|exception|data api/i)
    assert.match(err, reason === 'internal_error' ? /^\w+ .*\w$/ : /: try again soon$/)
  }
})
