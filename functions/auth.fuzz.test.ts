import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import fc from 'fast-check'
import { signToken } from '../lib/adapters/tokens.ts'
import { readJsonBody } from '../lib/http/json-body.ts'
import { rejections } from '../lib/http/outcomes.ts'
import { parseSignIn, parseSignUp } from '../lib/http/request-bodies.ts'
import { serveDatabase } from '../test/support/database.ts'
import { BODY_MEMBERS } from '../test/support/example-requests.ts'
import { fuzzRuns } from '../test/support/fuzz-runs.ts'
import {
  eventWith,
  loadHandler,
  ROUTE_KEYS,
  readEvent,
  signingKey,
} from '../test/support/handler.ts'
import { assertDocumented } from '../test/support/openapi.ts'
import { openMigratedPglite } from '../test/support/pglite.ts'
import { captureStderr } from '../test/support/stderr.ts'

const NAMES = ['gary', 'GARY', 'ada', 'Zoe\u0308', 'gary ', '']

const LONG = 'a\u0000b is long enough'
const PASSWORDS = ['correct horse battery', 'password', 'short', LONG, 'あ'.repeat(25)]

/** Values of a field of the body, with enough valid ones that some requests succeed. */
const field = (...known: readonly string[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...known) },
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.jsonValue(),
  )

const credentials = fc.record(
  Object.fromEntries(
    BODY_MEMBERS.map((name) => [name, field(...(name === 'username' ? NAMES : PASSWORDS))]),
  ),
  { requiredKeys: ['username'] },
)

/** Nested brackets or braces, up to the 16 KiB of a body, closed or not. */
const nested = fc
  .record({ open: fc.constantFrom('[', '{"a":'), depth: fc.nat(8000), closed: fc.boolean() })
  .map(({ open, depth, closed }) => {
    const close = open === '[' ? ']' : '}'
    return `${open.repeat(depth)}1${closed ? close.repeat(depth) : ''}`
  })

/** The token of the first user. */
const key = signingKey()
const VALID = await signToken({ id: 1, username: 'first user' }, key, { ttlSeconds: 3600 })

/** A well-formed token with an invalid signature. */
const FORGED = String(readEvent('me').headers['authorization']).slice('Bearer '.length)

const KEYS = ['username', 'password', '__proto__', 'constructor', 'toString', '\\u0075sername']

/** Repeated keys, and keys that have a meaning in JavaScript. */
const oddKeys = fc
  .array(fc.tuple(fc.constantFrom(...KEYS), field(...PASSWORDS)), { maxLength: 6 })
  .map((pairs) => `{${pairs.map(([key, value]) => `"${key}":${JSON.stringify(value)}`).join(',')}}`)

/** Credentials as malformed JSON: cut off, doubled, or with an inserted character. */
const malformed = fc
  .record({ value: credentials, at: fc.nat(200), by: fc.constantFrom(...'"\\,\uFEFF\0') })
  .chain(({ value, at, by }) => {
    const text = JSON.stringify(value)
    return fc.constantFrom(text.slice(0, at), text + text, text.slice(0, at) + by + text.slice(at))
  })

/** A body as text, as API Gateway passes on a body that it treats as text. */
const arbitraryBody: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: credentials.map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: oddKeys },
  { weight: 2, arbitrary: malformed },
  nested,
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('null', '[]', '""', '0', 'true', ' ', '\uFEFF{}', `"${'x'.repeat(17_000)}"`),
)

const rawBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))

/** The body's two fields: text, base64 of text or of any bytes, or a wrong flag. */
const arbitraryEventBody = fc.oneof(
  { weight: 3, arbitrary: arbitraryBody.map((body) => ({ body, isBase64Encoded: false })) },
  fc.record({
    body: fc
      .oneof(
        arbitraryBody.map((body) => Buffer.from(body)),
        rawBytes,
      )
      .map((bytes) => bytes.toString('base64')),
    isBase64Encoded: fc.boolean(),
  }),
  arbitraryBody.map((body) => ({ body, isBase64Encoded: true })),
  fc.constant({ isBase64Encoded: false }),
)

const JSON_TYPE = 'application/json'
const CONTENT_TYPES = [JSON_TYPE, `${JSON_TYPE}; charset=utf-16`, `${JSON_TYPE},text/plain`, ';;;']

/** Headers as API Gateway sends them: names in lower case, several of one name joined with commas. */
const headers = fc.record(
  {
    'content-type': fc.constantFrom(...CONTENT_TYPES),
    'content-length': fc.constantFrom('0', '-1', '99999999', 'many'),
    'content-encoding': fc.constantFrom('gzip', 'br,gzip'),
    'idempotency-key': fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('one-good-key-of-ours', '"another-key-of-ours"') },
      fc.string({ unit: 'binary', maxLength: 300 }),
    ),
    authorization: fc.oneof(
      fc.constantFrom(
        'Bearer',
        'Bearer a.b.c',
        `Bearer ${VALID}`,
        `Bearer ${FORGED}`,
        `bearer ${FORGED}, ${FORGED}`,
      ),
      fc.string({ unit: 'binary', maxLength: 300 }).map((text) => `Bearer ${text}`),
      fc.string({ maxLength: 40 }),
    ),
    'x-forwarded-for': fc.constantFrom('203.0.113.7', '203.0.113.7, ::1', ''),
    'x-amzn-trace-id': fc.constantFrom('Root=1-0-0', 'Root=\\n', ''),
    cookie: fc.string({ maxLength: 40 }),
    constructor: fc.constant('x'),
  },
  { requiredKeys: [] },
)

/** Any event that an HTTP API can send to the function. */
const arbitraryEvent: fc.Arbitrary<APIGatewayProxyEventV2> = fc
  .record({
    body: arbitraryEventBody,
    headers: fc.option(headers, { nil: undefined, freq: 9 }),
    routeKey: fc.constantFrom(...ROUTE_KEYS),
    rawPath: fc.constantFrom('/auth/sign-up', '/prod/auth/sign-up', '//auth/sign-up'),
    rawQueryString: fc.constantFrom('', 'username=gary&username=ada', '%', '__proto__[a]=1'),
    cookies: fc.array(fc.string({ maxLength: 20 }), { maxLength: 3 }),
  })
  .map(({ body, headers, ...rest }) => {
    const { body: _, ...event } = readEvent('sign-up')
    // Some events have no headers, such as a test from AWS's console.
    return { ...event, ...rest, ...body, headers: headers ?? {} }
  })

const RULES = { passwordMinLength: 8, serviceName: 'latchkey' }
const TABLE = rejections(RULES.passwordMinLength)

test('any body becomes credentials within their limits or a documented reason, and nothing throws', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(arbitraryEventBody, (eventBody) => {
      const body = readJsonBody(eventBody)
      const result = body.ok ? parseSignUp(body.value, RULES) : body
      seen.add(result.ok ? 'ok' : result.reason)
      if (!result.ok) {
        if (result.reason !== 'body_not_object') assert.equal(TABLE[result.reason].status, 401)
        return
      }
      const { username, password } = result.value
      assert.deepEqual(body.ok && parseSignIn(body.value), result)
      for (const text of [username, password]) {
        assert.equal(text, text.normalize('NFC'))
        assert.ok(text.isWellFormed())
      }
      assert.ok([...username].length >= 1 && [...username].length <= 50)
      assert.ok([...password].length >= 8 && Buffer.byteLength(password) <= 72)
    }),
    { numRuns: fuzzRuns(1000, 10_000) },
  )
  // Otherwise the bodies would be too odd to reach most of the rules.
  assert.ok(seen.has('ok') && seen.size > 15, [...seen].join())
})

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())
const send = await loadHandler(database.url)

test('the response to any event is documented, and no server error is logged', async (t) => {
  const output = captureStderr(t)
  const seen = new Set<number>()
  const firstUser = { username: 'first user', password: 'correct horse battery' }
  const [taken, signIn] = [eventWith(firstUser), eventWith(firstUser, 'sign-in')]
  await fc.assert(
    fc.asyncProperty(arbitraryEvent, async (event) => {
      const response = await send(event)
      assertDocumented(response, event.routeKey)
      const { statusCode = 0, body } = response
      assert.ok([200, 201, 204, 400, 401, 404, 429].includes(statusCode), body)
      seen.add(statusCode)
    }),
    // First, examples that produce each status except 429.
    { numRuns: fuzzRuns(200, 1000), examples: [[taken], [taken], [signIn]] },
  )
  assert.equal(output(), '')
  const always = [...seen].filter((status) => status < 429 && status !== 204)
  assert.deepEqual(always.sort(), [200, 201, 400, 401, 404])
})
