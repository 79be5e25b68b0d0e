import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createResponder, type Reason, refusals, respondToFault } from './responses.ts'

const respond = createResponder({ passwordMinLength: 8 })
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** The contract again, written out by hand: the compiler asks for every reason, the tests for its status. */
const STATUS: Readonly<Record<Reason, 400 | 401 | 500 | 503>> = {
  username_taken: 400,
  idempotency_key_malformed: 401,
  body_missing: 401,
  body_too_large: 401,
  body_not_utf8: 401,
  body_not_json: 401,
  body_not_object: 401,
  username_missing: 401,
  username_not_string: 401,
  username_not_well_formed: 401,
  username_empty: 401,
  username_too_long: 401,
  username_outer_space: 401,
  username_forbidden_character: 401,
  password_missing: 401,
  password_not_string: 401,
  password_not_well_formed: 401,
  password_too_short: 401,
  password_too_long: 401,
  password_nul: 401,
  password_is_username: 401,
  password_is_service_name: 401,
  password_common: 401,
  internal_error: 500,
  database_resuming: 503,
  database_unavailable: 503,
  timed_out: 503,
}

const RETRY_AFTER: Partial<Record<Reason, string>> = {
  database_resuming: '15',
  database_unavailable: '5',
  timed_out: '5',
}

const table = refusals(8)
const reasons = Object.keys(table).filter((key): key is Reason => Object.hasOwn(STATUS, key))

test('the table has every reason of the contract, and no other', () => {
  assert.deepEqual(Object.keys(table).sort(), Object.keys(STATUS).sort())
})

test('a created user is 201 with the token and nothing else', () => {
  assert.deepEqual(respond({ ok: true, token: 'a.b.c', userId: 7 }), {
    statusCode: 201,
    headers: HEADERS,
    body: '{"token":"a.b.c"}',
  })
})

test('a taken name is 400 with the text that clients match on', () => {
  assert.deepEqual(respond({ ok: false, reason: 'username_taken' }), {
    statusCode: 400,
    headers: HEADERS,
    body: '{"err":"Username already taken","code":"username_taken"}',
  })
})

for (const reason of reasons) {
  const status = STATUS[reason]
  test(`${reason} is ${status} with its headers, its text and its code`, () => {
    const retryAfter = RETRY_AFTER[reason]
    assert.deepEqual(respond({ ok: false, reason }), {
      statusCode: status,
      headers: {
        ...HEADERS,
        ...(status === 401 && { 'www-authenticate': 'Bearer error="invalid_request"' }),
        ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
      },
      body: JSON.stringify({ err: table[reason].err, code: reason }),
    })
  })
}

test('a client error says which field, what is wrong and what would be right', () => {
  for (const reason of reasons.filter((each) => STATUS[each] === 401)) {
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

test('a server error reveals no internals', () => {
  for (const reason of reasons.filter((each) => STATUS[each] >= 500)) {
    assert.doesNotMatch(table[reason].err, /arn|aurora|postgres|sql|lambda|exception|data api/i)
  }
})

test('a server error is in words, and a transient one says to try again', () => {
  assert.match(table.internal_error.err, /^\w+ .*\w$/)
  for (const reason of ['database_resuming', 'database_unavailable', 'timed_out'] as const) {
    assert.match(table[reason].err, /^\w+ .*: try again soon$/)
  }
})
