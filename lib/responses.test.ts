import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createResponder, type Reason, refusals, respondToFault } from './responses.ts'

const respond = createResponder({ passwordMinLength: 8 })
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** The contract again, written by hand: the codes by status. */
const STATUS: Readonly<Record<number, string>> = {
  400: 'username_taken',
  401: `idempotency_key_malformed body_missing body_too_large body_not_utf8 body_not_json body_not_object
    username_missing username_not_string username_not_well_formed username_empty username_too_long
    username_outer_space username_forbidden_character password_missing password_not_string
    password_not_well_formed password_too_short password_too_long password_nul password_is_username
    password_is_service_name password_common`,
  500: 'internal_error',
  503: 'database_resuming database_unavailable timed_out',
}
const RETRY_AFTER: Readonly<Record<number, (reason: Reason) => string>> = {
  503: (reason) => (reason === 'database_resuming' ? '15' : '5'),
}

const table = refusals(8)
const isReason = (code: string): code is Reason => Object.hasOwn(table, code)
/** The reasons with a status. */
const reasonsOf = (status: number) => (STATUS[status] ?? '').split(/\s+/).filter(isReason)

test('the table has every reason of the contract, and no other', () => {
  const all = Object.values(STATUS).flatMap((codes) => codes.split(/\s+/))
  assert.deepEqual(Object.keys(table).sort(), all.sort())
})

test('a created user is 201 with the token alone, a taken name 400 with the text of the contract', () => {
  const created = { statusCode: 201, headers: HEADERS, body: '{"token":"a.b.c"}' }
  assert.deepEqual(respond({ ok: true, token: 'a.b.c', userId: 7 }), created)
  const body = '{"err":"Username already taken","code":"username_taken"}'
  const taken = { statusCode: 400, headers: HEADERS, body }
  assert.deepEqual(respond({ ok: false, reason: 'username_taken' }), taken)
})

test('each reason has its status, its headers, its text and its code', () => {
  for (const status of [400, 401, 500, 503]) {
    for (const reason of reasonsOf(status)) {
      const retryAfter = RETRY_AFTER[status]?.(reason)
      const challenge = status === 401 && { 'www-authenticate': 'Bearer error="invalid_request"' }
      const headers = { ...HEADERS, ...challenge, ...(retryAfter && { 'retry-after': retryAfter }) }
      const body = JSON.stringify({ err: table[reason].err, code: reason })
      assert.deepEqual(respond({ ok: false, reason }), { statusCode: status, headers, body })
    }
  }
})

test('a client error says which field, what is wrong and what would be right', () => {
  for (const reason of reasonsOf(401)) {
    const [, field] = /^(idempotency_key|[a-z]+)_/.exec(reason) ?? []
    const name = field?.replace('_', '-')
    assert.match(table[reason].err, new RegExp(`^${name} (is|has|begins) [^:]+: send .+`), reason)
  }
})

test('the limits in the texts are the limits in force', () => {
  const strict = refusals(15)
  assert.match(strict.password_too_short.err, /at least 15 characters and at most 72 bytes/)
  assert.match(strict.password_too_long.err, /at least 15 characters and at most 72 bytes/)
  assert.match(strict.username_too_long.err, /1 to 50 characters/)
  assert.match(strict.idempotency_key_malformed.err, /16 to 255 visible ASCII characters/)
  assert.match(strict.body_too_large.err, /at most 16384 bytes/)
})

test('a fault has the same response with and without configuration', () => {
  for (const reason of ['internal_error', 'database_resuming'] as const) {
    assert.deepEqual(respondToFault(reason), respond({ ok: false, reason }))
  }
})

test('a server error is in words without internals, and a transient one says to try again', () => {
  for (const reason of [...reasonsOf(500), ...reasonsOf(503)]) {
    const { err } = table[reason]
    assert.doesNotMatch(err, /arn|aurora|postgres|sql|lambda|exception|data api/i)
    assert.match(err, reason === 'internal_error' ? /^\w+ .*\w$/ : /: try again soon$/)
  }
})
