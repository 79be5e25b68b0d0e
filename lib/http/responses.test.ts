import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Reason, rejections } from './outcomes.ts'
import { createResponder, respondToFault } from './responses.ts'

const respond = createResponder({ passwordMinLength: 8 })
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** RFC 6750, section 3.1: no error where the request has no token, and for other credentials. */
function challengeOf(reason: Reason): string {
  if (reason === 'invalid_credentials' || reason === 'token_missing') return 'Bearer'
  return `Bearer error="${reason.startsWith('token_') ? 'invalid_token' : 'invalid_request'}"`
}

const table = rejections(8)
const isReason = (code: string): code is Reason => Object.hasOwn(table, code)
/** Returns the reasons with a status; openapi.yaml is the contract for them. */
const reasonsOf = (status: number) =>
  Object.keys(table)
    .filter((code) => isReason(code))
    .filter((code) => table[code].status === status)

test('a granted token is the only member of the body, and a taken name is 400 with the text of the contract', () => {
  const granted = { ok: true, userId: 7, body: { token: 'a.b.c' } } as const
  const created = { statusCode: 201, headers: HEADERS, body: '{"token":"a.b.c"}' }
  assert.deepEqual(respond({ ...granted, code: 'created' }), created)
  for (const code of ['signed_in', 'password_changed'] as const) {
    assert.deepEqual(respond({ ...granted, code }), { ...created, statusCode: 200 })
  }
  const body = '{"err":"Username already taken","code":"username_taken"}'
  const taken = { statusCode: 400, headers: HEADERS, body }
  assert.deepEqual(respond({ ok: false, reason: 'username_taken' }), taken)
})

test('a deletion has no body', () => {
  const headers = { 'cache-control': 'no-store' }
  const outcome = { ok: true, code: 'deleted', userId: 7 } as const
  assert.deepEqual(respond(outcome), { statusCode: 204, headers })
})

test('the body of a user has the id and the name', () => {
  const user = { id: 7, username: 'gary' }
  const outcome = { ok: true, code: 'identified', userId: 7, body: user } as const
  const body = '{"id":7,"username":"gary"}'
  assert.deepEqual(respond(outcome), { statusCode: 200, headers: HEADERS, body })
})

test('a document for verifiers may be cached for five minutes', () => {
  const headers = { ...HEADERS, 'cache-control': 'public, max-age=300' }
  const outcome = {
    ok: true,
    code: 'document_read',
    body: { keys: [] },
    publicSeconds: 300,
  } as const
  assert.deepEqual(respond(outcome), { statusCode: 200, headers, body: '{"keys":[]}' })
})

test('too many attempts is 429 with the seconds to wait, in the header and in the text', () => {
  const outcome = { ok: false, reason: 'too_many_attempts', retryAfterSeconds: 8 } as const
  const body = '{"err":"Too many attempts: try again in 8 seconds","code":"too_many_attempts"}'
  const headers = { ...HEADERS, 'retry-after': '8' }
  assert.deepEqual(respond(outcome), { statusCode: 429, headers, body })
})

test('each reason has its status, its headers, its text and its code', () => {
  for (const status of [400, 401, 404, 500, 503]) {
    for (const reason of reasonsOf(status)) {
      const retryAfter = status === 503 && (reason === 'database_resuming' ? '15' : '5')
      const challenge = status === 401 && { 'www-authenticate': challengeOf(reason) }
      const headers = { ...HEADERS, ...challenge, ...(retryAfter && { 'retry-after': retryAfter }) }
      const body = JSON.stringify({ err: table[reason].err, code: reason })
      assert.deepEqual(respond({ ok: false, reason }), { statusCode: status, headers, body })
    }
  }
})

/** The fields whose names differ from their codes. */
const NAMES: Readonly<Record<string, string>> = {
  idempotency_key: 'idempotency-key',
  current_password: 'currentPassword',
  new_password: 'newPassword',
}

test('the text of a client error names the field, the problem and what to send', () => {
  assert.equal(table.invalid_credentials.err, 'Invalid credentials.')
  for (const reason of reasonsOf(401)) {
    if (reason === 'invalid_credentials') continue
    const [, field = ''] =
      /^(idempotency_key|current_password|new_password|[a-z]+)_/.exec(reason) ?? []
    const name = NAMES[field] ?? field
    assert.match(
      table[reason].err,
      new RegExp(`^${name} (is|has|begins) [^:]+: (send|sign in) .+`),
      reason,
    )
  }
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
