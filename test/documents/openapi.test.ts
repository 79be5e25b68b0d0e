import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { me } from '../../lib/accounts/me.ts'
import { PASSWORD_MAX_BYTES } from '../../lib/accounts/password-rules.ts'
import { USERNAME_MAX_CODE_POINTS } from '../../lib/accounts/usernames.ts'
import { signToken } from '../../lib/adapters/tokens.ts'
import { readConfig } from '../../lib/config.ts'
import { IDEMPOTENCY_KEY_LENGTH } from '../../lib/http/idempotency-key.ts'
import { BODY_MAX_BYTES } from '../../lib/http/json-body.ts'
import { FAULTS, type Outcome, type Reason, rejections } from '../../lib/http/outcomes.ts'
import { parseSignUp, type RequestBodyRejection } from '../../lib/http/request-bodies.ts'
import { createResponder } from '../../lib/http/responses.ts'
import { discovery, keySet } from '../../lib/http/well-known.ts'
import { newSigningKey } from '../../tools/new-signing-key.ts'
import {
  createValidator,
  documented,
  documentedNames,
  json,
  operation,
  responseKeys,
} from '../../tools/openapi.ts'
import { ROUTE_KEYS, signingKey } from '../support/handler.ts'
import { assertDocumented, documentedCodes } from '../support/openapi.ts'

// The examples are the responses of a deployment that sets only the required variables.
const config = readConfig({
  DB_CLUSTER_ARN: 'arn:cluster',
  DB_SECRET_ARN: 'arn:secret',
  DB_NAME: 'latchkey',
  JWT_SECRET: 'x'.repeat(32),
})
const table = rejections(config.passwordMinLength)
const respond = createResponder(config)

const isReason = (code: string): code is Reason => Object.hasOwn(table, code)
const SERVER_ERRORS = Object.keys(FAULTS)

const SIGN_UP = 'POST /auth/sign-up'
const REQUEST = json([...operation(SIGN_UP), 'requestBody'])
const credentialsProblem = createValidator([...REQUEST, 'schema'])
const claimsProblem = createValidator(['components', 'schemas', 'TokenClaims'])

/** Returns the outcome with a code. */
function rejectionOf(code: string): Outcome {
  const rejected = { ok: false } as const
  if (code === 'too_many_attempts') {
    return { ...rejected, reason: code, retryAfterSeconds: 8, signInAgain: false }
  }
  if (code === 'body_not_object') {
    return { ...rejected, reason: code, members: ['username', 'password'] }
  }
  return { ...rejected, reason: isReason(code) ? code : assert.fail(code) }
}

/** Returns the example of an error response under that name. */
const exampleOf = (routeKey: string, status: string, name: string) =>
  documented([...json(responseKeys(routeKey, status)), 'examples', name, 'value'])

for (const routeKey of ROUTE_KEYS) {
  const statuses = documentedNames([...operation(routeKey), 'responses'])

  test(`${routeKey}: each documented code has its status, and each example is the response`, () => {
    assert.equal(statuses.filter((status) => status.startsWith('2')).length, 1)
    for (const status of statuses.filter((status) => !status.startsWith('2'))) {
      const codes = documentedCodes(routeKey, status)
      const examples = documentedNames([...json(responseKeys(routeKey, status)), 'examples'])
      // A 401 that another route also has may have its example there.
      assert.ok(status === '401' || examples.length === codes.length)
      for (const code of codes) {
        const response = respond(rejectionOf(code))
        assert.equal(String(response.statusCode), status, code)
        assertDocumented(response, routeKey)
        if (!examples.includes(code)) continue
        assert.equal(JSON.stringify(exampleOf(routeKey, status, code)), response.body)
      }
    }
  })

  test(`${routeKey}: each server error is documented`, () => {
    const codes = ['500', '503'].flatMap((status) => documentedCodes(routeKey, status))
    assert.deepEqual(codes.toSorted(), SERVER_ERRORS.toSorted())
  })
}

test('each code has an example for at least one route', () => {
  const examples = ROUTE_KEYS.flatMap((routeKey) =>
    documentedNames([...operation(routeKey), 'responses'])
      .filter((status) => !status.startsWith('2'))
      .flatMap((status) => documentedNames([...json(responseKeys(routeKey, status)), 'examples'])),
  )
  for (const code of Object.keys(table)) assert.ok(examples.includes(code), code)
})

test('the user of me is documented, and its example is that response', async () => {
  const user = documented([...json(responseKeys('GET /auth/me', 200)), 'examples', 'user', 'value'])
  const response = respond(await me(Object(user)))
  assertDocumented(response, 'GET /auth/me')
  assert.equal(JSON.stringify(user), response.body)
})

test('the documents for verifiers are documented, and their examples are those responses', async () => {
  const examples = (path: string) => [
    ...json(responseKeys(`GET /.well-known/${path}`, 200)),
    'examples',
  ]
  const value = (path: string, name: string) => documented([...examples(path), name, 'value'])
  const issuer = String(Object(value('openid-configuration', 'rs256')).issuer)
  const found = discovery('RS256', issuer)
  assert.ok(found.ok)
  const emptySet = await keySet({ loadKeys: async () => [signingKey()] })
  for (const [path, name, outcome] of [
    ['openid-configuration', 'rs256', found],
    ['jwks.json', 'hs256', emptySet],
    ['jwks.json', 'rs256', { ...emptySet, body: Object(value('jwks.json', 'rs256')) }],
  ] as const) {
    const response = respond(outcome)
    assertDocumented(response, `GET /.well-known/${path}`)
    assert.equal(JSON.stringify(value(path, name)), response.body)
  }
  const rsa = signingKey(newSigningKey('RS256'))
  const set = await keySet({ loadKeys: async () => [rsa] })
  assertDocumented(respond(set), 'GET /.well-known/jwks.json')
})

const granted = (token: string, code: 'created' | 'signed_in') =>
  ({ ok: true, code, userId: 7, body: { token } }) as const

test('201: a signed token and its claims are documented', async () => {
  const keys = [signingKey('k'.repeat(32)), signingKey(newSigningKey('RS256'))]
  const user = { id: Number.MAX_SAFE_INTEGER, username: 'Zoë 李', passwordVersion: 3 }
  const all = [{}, { issuer: 'https://id.example.org', audience: 'web' }]
  for (const [options, key] of all.flatMap((each) => keys.map((key) => [each, key] as const))) {
    const token = await signToken(user, key, { ...config.token, ...options })
    assertDocumented(respond(granted(token, 'created')), SIGN_UP)
    assertDocumented(respond(granted(token, 'signed_in')), 'POST /auth/sign-in')
    assert.equal(claimsProblem(decodeJwt(token)), '')
  }
})

test('201: the example is a token of the service', () => {
  const example = `${documented([...json(responseKeys(SIGN_UP, 201)), 'examples', 'token', 'value', 'token'])}`
  assertDocumented(respond(granted(example, 'created')), SIGN_UP)
  assert.deepEqual(decodeProtectedHeader(example), { alg: 'HS256', typ: 'JWT' })
  const claims = decodeJwt(example)
  assert.equal(claimsProblem(claims), '')
  assert.equal(Number(claims.exp) - Number(claims.iat), config.token.ttlSeconds)
})

test('the documented limits are those of the code', () => {
  const limit = (field: string, keyword: string) =>
    documented([...REQUEST, 'schema', 'properties', field, keyword])
  assert.equal(limit('username', 'maxLength'), USERNAME_MAX_CODE_POINTS)
  assert.equal(limit('password', 'minLength'), config.passwordMinLength)
  assert.equal(limit('password', 'maxLength'), PASSWORD_MAX_BYTES)
  const { least, most } = IDEMPOTENCY_KEY_LENGTH
  const description = String(documented([...operation(SIGN_UP), 'description']))
  assert.ok(description.includes(`${least} to ${most} visible ASCII`))
  const prose = documented([...operation(SIGN_UP), 'requestBody', 'description'])
  assert.ok(String(prose).includes(` ${BODY_MAX_BYTES} bytes`))
})

test('the request schema accepts the examples and samples that the service accepts', () => {
  const examples = documentedNames([...REQUEST, 'examples']).map((name) =>
    documented([...REQUEST, 'examples', name, 'value']),
  )
  for (const sample of [
    ...examples,
    { username: 'a', password: '12345679 ' },
    { username: '🔑'.repeat(50), password: '🔑🔒🔓🔐🚪🏠🚗🚲🚀'.repeat(2) },
    { username: 'in  ner', password: '9 letters'.repeat(8), id: 1, nested: { username: null } },
  ]) {
    assert.equal(parseSignUp(sample, config).ok, true)
    assert.equal(credentialsProblem(sample), '')
  }
})

test('the request schema accepts the NFC form of everything that the service accepts', () => {
  // Not every other form: 50 letters with their accents apart are 100 code points until normalised.
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 })
  fc.assert(
    fc.property(text, text, (username, password) => {
      const parsed = parseSignUp({ username, password }, config)
      fc.pre(parsed.ok)
      assert.equal(credentialsProblem(parsed.value), '')
    }),
    { numRuns: 1000 },
  )
})

test('the request schema rejects what the service rejects, as far as a schema can express it', () => {
  const [username, password] = ['ada', 'correct horse']
  const bySchema: Partial<Record<RequestBodyRejection, unknown>> = {
    username_missing: { password },
    username_not_string: { username: null, password },
    username_empty: { username: '', password },
    username_too_long: { username: 'a'.repeat(51), password },
    password_missing: { username },
    password_not_string: { username, password: 12345678 },
    password_too_short: { username, password: '🔑'.repeat(7) },
    password_too_long: { username, password: 'a'.repeat(73) },
  }
  for (const [reason, body] of Object.entries(bySchema)) {
    assert.deepEqual(parseSignUp(body, config), { ok: false, reason })
    assert.notEqual(credentialsProblem(body), '', reason)
  }
})
