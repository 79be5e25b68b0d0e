import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { USERNAME_MAX_CODE_POINTS } from '../../lib/accounts/usernames.ts'
import { signToken } from '../../lib/adapters/tokens.ts'
import { readConfig } from '../../lib/config.ts'
import {
  type CredentialsRefusal,
  PASSWORD_MAX_BYTES,
  parseNewCredentials,
} from '../../lib/http/credentials.ts'
import { IDEMPOTENCY_KEY_LENGTH } from '../../lib/http/idempotency-key.ts'
import { BODY_MAX_BYTES } from '../../lib/http/json-body.ts'
import { createResponder, type Reason, refusals } from '../../lib/http/responses.ts'
import { discovery, keySet } from '../../lib/http/well-known.ts'
import { newSigningKey } from '../../tools/new-signing-key.ts'
import { signingKey } from '../support/handler.ts'
import {
  answer,
  assertDocumented,
  createValidator,
  documented,
  documentedNames,
  json,
  operation,
  SIGN_UP,
} from '../support/openapi.ts'

// The examples are the responses of a deployment that sets only the required variables.
const config = readConfig({
  DB_CLUSTER_ARN: 'arn:cluster',
  DB_SECRET_ARN: 'arn:secret',
  DB_NAME: 'latchkey',
  JWT_SECRET: 'x'.repeat(32),
})
const table = refusals(config.passwordMinLength)
const respond = createResponder(config)

const isReason = (code: string): code is Reason => Object.hasOwn(table, code)
const reasons = Object.keys(table).filter(isReason)
const TOKEN_REASONS = ['token_missing', 'token_expired', 'token_invalid'] as const
const FAULTS = reasons.filter((reason) => table[reason].status >= 500)

/** The codes that each route has an example of, but too_many_attempts. */
const EXAMPLES: Readonly<Record<string, readonly Reason[]>> = {
  [SIGN_UP]: reasons.filter((reason) => !/^(token|invalid|current|new|discovery)_/.test(reason)),
  'POST /auth/sign-in': ['invalid_credentials', ...FAULTS],
  'GET /auth/me': [...TOKEN_REASONS, ...FAULTS],
  'POST /auth/change-password': [
    ...reasons.filter((reason) => /^(current|new)_/.test(reason)),
    ...FAULTS,
  ],
  'POST /auth/delete-account': ['invalid_credentials', ...FAULTS],
  'GET /.well-known/jwks.json': FAULTS,
  'GET /.well-known/openid-configuration': ['discovery_unavailable', ...FAULTS],
}
/** The other codes of a 401, whose responses are those of another route. */
const AS_ELSEWHERE: Readonly<Record<string, readonly Reason[]>> = {
  'POST /auth/sign-in': reasons.filter((reason) =>
    /^body_|^(username|password)_(missing|not_string|not_well_formed)$|^username_too_long$/.test(
      reason,
    ),
  ),
  'POST /auth/change-password': [
    ...TOKEN_REASONS,
    'invalid_credentials',
    ...reasons.filter((reason) => reason.startsWith('body_')),
  ],
  'POST /auth/delete-account': [
    ...TOKEN_REASONS,
    ...reasons.filter((reason) =>
      /^body_|^password_(missing|not_string|not_well_formed)$/.test(reason),
    ),
  ],
}

const REQUEST = json([...operation(SIGN_UP), 'requestBody'])
const credentialsProblem = createValidator([...REQUEST, 'schema'])
const claimsProblem = createValidator(['components', 'schemas', 'TokenClaims'])

for (const [route, codes] of Object.entries(EXAMPLES)) {
  test(`${route}: each refusal is documented, and its example is that response`, () => {
    for (const reason of codes) {
      const response = respond({ ok: false, reason })
      assertDocumented(response, route)
      const media = json(answer(response.statusCode, route))
      const example = documented([...media, 'examples', reason, 'value'])
      assert.equal(JSON.stringify(example), response.body)
    }
  })

  test(`${route}: the documented statuses and codes are those of the table`, () => {
    const success = { [SIGN_UP]: '201', 'POST /auth/delete-account': '204' }[route] ?? '200'
    const limited = route.startsWith('GET') ? [] : ['429']
    const statuses = new Set(codes.map((reason) => String(table[reason].status)))
    assert.deepEqual(
      documentedNames([...operation(route), 'responses']).toSorted(),
      [success, ...limited, ...statuses].toSorted(),
    )
    for (const status of statuses) {
      const ofTable = codes.filter((reason) => String(table[reason].status) === status)
      const media = json(answer(Number(status), route))
      assert.deepEqual(documentedNames([...media, 'examples']).toSorted(), ofTable.toSorted())
      const elsewhere = status === '401' ? (AS_ELSEWHERE[route] ?? []) : []
      const all = [...ofTable, ...elsewhere]
      const documentedCodes = documented([...media, 'schema', 'properties', 'code', 'enum'])
      assert.ok(Array.isArray(documentedCodes))
      assert.deepEqual(documentedCodes.toSorted(), all.toSorted())
    }
    if (limited.length > 0) {
      const outcome = { ok: false, reason: 'too_many_attempts', retryAfterSeconds: 8 } as const
      const response = respond(outcome)
      assertDocumented(response, route)
      const examples = [...json(answer(429, route)), 'examples']
      const example = documented([...examples, 'too_many_attempts', 'value'])
      assert.equal(JSON.stringify(example), response.body)
    }
  })
}

test('the user of me is documented, and its example is that response', () => {
  const user = documented([...json(answer(200, 'GET /auth/me')), 'examples', 'user', 'value'])
  const { id, username } = Object(user)
  const body = { id, username }
  const response = respond({ ok: true, code: 'identified', userId: id, body })
  assertDocumented(response, 'GET /auth/me')
  assert.equal(JSON.stringify(user), response.body)
})

test('the documents for verifiers are documented, and their examples are those responses', async () => {
  const examples = (path: string) => [...json(answer(200, `GET /.well-known/${path}`)), 'examples']
  const value = (path: string, name: string) => documented([...examples(path), name, 'value'])
  const issuer = String(Object(value('openid-configuration', 'rs256')).issuer)
  const found = discovery('RS256', issuer)
  assert.ok(found.ok)
  const none = await keySet({ loadKeys: async () => [signingKey()] })
  for (const [path, name, outcome] of [
    ['openid-configuration', 'rs256', found],
    ['jwks.json', 'hs256', none],
    ['jwks.json', 'rs256', { ...none, body: Object(value('jwks.json', 'rs256')) }],
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
    assertDocumented(respond(granted(token, 'created')))
    assertDocumented(respond(granted(token, 'signed_in')), 'POST /auth/sign-in')
    assert.equal(claimsProblem(decodeJwt(token)), '')
  }
})

test('201: the example is a token of the service', () => {
  const example = `${documented([...json(answer(201)), 'examples', 'token', 'value', 'token'])}`
  assertDocumented(respond(granted(example, 'created')))
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

test('the request schema accepts what the service accepts, and so the examples', () => {
  const examples = documentedNames([...REQUEST, 'examples']).map((name) =>
    documented([...REQUEST, 'examples', name, 'value']),
  )
  for (const sample of [
    ...examples,
    { username: 'a', password: '12345679 ' },
    { username: '🔑'.repeat(50), password: '🔑'.repeat(18) },
    { username: 'in  ner', password: ' '.repeat(72), id: 1, nested: { username: null } },
  ]) {
    assert.equal(parseNewCredentials(sample, config).ok, true)
    assert.equal(credentialsProblem(sample), '')
  }
})

test('the request schema accepts the NFC form of everything that the service accepts', () => {
  // Not every other form: 50 letters with their accents apart are 100 code points until normalised.
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 })
  fc.assert(
    fc.property(text, text, (username, password) => {
      const parsed = parseNewCredentials({ username, password }, config)
      fc.pre(parsed.ok)
      assert.equal(credentialsProblem(parsed.credentials), '')
    }),
    { numRuns: 1000 },
  )
})

test('the request schema rejects what a schema can express of what the service rejects', () => {
  const [username, password] = ['ada', 'correct horse']
  const bySchema: Partial<Record<CredentialsRefusal, unknown>> = {
    body_not_object: [],
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
    assert.deepEqual(parseNewCredentials(body, config), { ok: false, reason })
    assert.notEqual(credentialsProblem(body), '', reason)
  }
})
