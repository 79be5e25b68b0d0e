import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { serveDatabase } from '../../test/support/database.ts'
import { eventWith, JWT_SECRET, loadHandler } from '../../test/support/handler.ts'
import { type HttpAnswer, type HttpRequest, serveHttp } from '../../test/support/http-endpoint.ts'
import {
  create,
  type EndpointParts,
  JSON_HEADERS,
  refuse,
  signToken,
  signUpEndpoint,
} from '../../test/support/sign-up-endpoint.ts'
import { openPglite } from '../local/data-api/pglite-engine.ts'
import { runSmokeSteps } from './smoke-steps.ts'

const now = () => Math.floor(Date.now() / 1000)

/** Runs the steps on an endpoint; resolves with all that there is to see of it, waits included. */
async function smoke(
  t: TestContext,
  answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>,
  key: string | undefined = JWT_SECRET,
  answerTimeoutMilliseconds = 30_000,
) {
  const { url, requests } = await serveHttp(t, answer)
  const lines: string[] = []
  const usernames: string[] = []
  const waits: number[] = []
  const outcome = await runSmokeSteps({
    url,
    key,
    say: (line) => lines.push(line),
    onUsername: (username) => usernames.push(username),
    wait: async (milliseconds) => waits.push(milliseconds),
    answerTimeoutMilliseconds,
  }).then(
    () => 'passed',
    (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : 'no error'),
  )
  return { outcome, lines, usernames, waits, requests }
}

test('the real handler on an embedded database passes every step', async (t) => {
  const database = await serveDatabase(await openPglite())
  t.after(() => database.close())
  const send = await loadHandler(database.url)

  const { outcome, lines, usernames, requests } = await smoke(t, async ({ body }) => {
    const { statusCode = 0, headers, body: answer = '' } = await send(eventWith(body))
    const texts = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])
    return { status: statusCode, headers: Object.fromEntries(texts), body: answer }
  })

  assert.equal(outcome, 'passed')
  assert.deepEqual(
    lines.map((line) => line.replace(/\d+ ms/, 'N ms').replace(/ +/g, ' ')),
    [
      'ok N ms a new user is signed up: 201',
      'ok N ms the token is theirs',
      'ok N ms the same name in another letter case is refused: 400',
      'ok N ms a body that is no JSON is refused: 401',
    ],
  )
  assert.deepEqual(await database.query('SELECT username FROM users'), [usernames])
  const again = JSON.parse(requests[1]?.body ?? '').username
  assert.deepEqual(
    [again.toLowerCase(), again === usernames[0]],
    [usernames[0]?.toLowerCase(), false],
  )
  const { password } = JSON.parse(requests[0]?.body ?? '')
  assert.equal(requests[0]?.headers['content-type'], 'application/json')
  assert.ok(password.length >= 16 && !lines.join().includes(password))
})

test('without the key the signature is not checked, and the report says so', async (t) => {
  const created = async (name: string) => create(await signToken(name, { key: 'k'.repeat(32) }))
  const { url } = await serveHttp(t, signUpEndpoint({ created }))
  const lines: string[] = []
  await runSmokeSteps({ url, say: (line) => lines.push(line), onUsername: () => {} })
  assert.match(lines[1] ?? '', /the token is theirs, signature unchecked$/)
})

test('a paused database is waited for as told, with a new name each time', async (t) => {
  const answers = [
    refuse(503, 'database_resuming', { 'retry-after': '15' }),
    refuse(503, 'timed_out', { 'retry-after': '5' }),
  ]
  const created = async (name: string) => answers.shift() ?? create(await signToken(name))
  const { outcome, lines, usernames, waits } = await smoke(t, signUpEndpoint({ created }))

  assert.equal(outcome, 'passed')
  assert.deepEqual(waits, [15_000, 5000])
  assert.equal(new Set(usernames).size, 3)
  assert.equal(lines[0], 'waits  15 s, as told by a 503 database_resuming')
})

test('a database that does not wake up is waited for no longer than two minutes', async (t) => {
  const created = () => refuse(503, 'database_resuming', { 'retry-after': '15' })
  const { outcome, waits } = await smoke(t, signUpEndpoint({ created }))
  assert.match(outcome, /Expected 201, got 503 database_resuming/)
  assert.equal(
    waits.reduce((sum, wait) => sum + wait),
    120_000,
  )
})

test('an endpoint that nobody serves or that is silent fails with a sentence', async (t) => {
  const silent = await smoke(t, () => ({ hangs: true }), JWT_SECRET, 500)
  assert.match(silent.outcome, /SmokeFailure: http.* gave no answer: 0.5 s passed\.$/)

  const unserved = runSmokeSteps({
    url: await closedUrl(),
    say: () => {},
    onUsername: () => {},
  })
  await assert.rejects(unserved, { name: 'SmokeFailure', message: /gave no answer: ECONNREFUSED/ })
})

/** An address on loopback where nothing listens any more. */
async function closedUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${address.port}`
}

const withToken = (other: Parameters<typeof signToken>[1]) => ({
  created: async (name: string) => create(await signToken(name, other)),
})

const wrong: Record<string, { parts: EndpointParts; says: RegExp }> = {
  'another status': {
    parts: { created: () => refuse(500, 'internal_error') },
    says: /Expected 201, got 500 internal_error/,
  },
  'a 503 that names no time': {
    parts: { created: () => refuse(503, 'database_resuming') },
    says: /Expected 201, got 503/,
  },
  'a 503 that names a time in words': {
    parts: { created: () => refuse(503, 'database_resuming', { 'retry-after': 'in 15' }) },
    says: /Expected 201, got 503/,
  },
  'a 503 that names a time and more': {
    parts: { created: () => refuse(503, 'database_resuming', { 'retry-after': '15 s' }) },
    says: /Expected 201, got 503/,
  },
  'a 429 that names a time': {
    parts: { created: () => refuse(429, 'slow_down', { 'retry-after': '1' }) },
    says: /Expected 201, got 429 slow_down/,
  },
  'a 200 with a token': {
    parts: { created: () => ({ status: 200, headers: JSON_HEADERS, body: '{}' }) },
    says: /Expected 201, got 200/,
  },
  'a redirect': {
    parts: { created: () => ({ status: 307, headers: { location: '/x' }, body: '' }) },
    says: /Expected 201, got 307/,
  },
  'a 201 that caches': {
    parts: {
      created: () => ({ status: 201, headers: { 'content-type': 'application/json' }, body: '{}' }),
    },
    says: /cache-control must be no-store; it is missing/,
  },
  'a 201 that is HTML': {
    parts: {
      created: () => ({ status: 201, headers: { 'content-type': 'text/html' }, body: '<p>' }),
    },
    says: /content-type is text\/html/,
  },
  'a 201 of JSON that is called HTML': {
    parts: {
      created: () => ({ status: 201, headers: { 'content-type': 'text/html' }, body: '{}' }),
    },
    says: /content-type is text\/html/,
  },
  'a 201 that is called JSON and is none': {
    parts: { created: () => ({ status: 201, headers: JSON_HEADERS, body: '<p>' }) },
    says: /The 201 must be JSON/,
  },
  'a 201 of no type': {
    parts: { created: () => ({ status: 201, headers: {}, body: '{}' }) },
    says: /content-type is missing/,
  },
  'a 201 of null': {
    parts: { created: () => ({ status: 201, headers: JSON_HEADERS, body: 'null' }) },
    says: /no text in "token"/,
  },
  'a code that never ends': {
    parts: { created: () => refuse(500, 'x'.repeat(1000)) },
    says: /got 500 x{60}\.$/,
  },
  'no token': { parts: { created: () => create(undefined) }, says: /no text in "token"/ },
  'a token that is none': { parts: { created: () => create('a.b.c') }, says: /is no JWT/ },
  'a token of another algorithm': {
    parts: withToken({ header: { alg: 'HS384' } }),
    says: /must be HS256 and JWT, not {"alg":"HS384","typ":"JWT"}/,
  },
  'a token for somebody else': {
    parts: { created: async () => create(await signToken('eve')) },
    says: /claim "payload" must be the name as sent, Smoke-/,
  },
  'a token without id': {
    parts: {
      created: async (username) =>
        create(await signToken(username, { claims: { payload: { username } } })),
    },
    says: /claim "payload"/,
  },
  'a token without sub': { parts: withToken({ claims: { sub: undefined } }), says: /claim "sub"/ },
  'a token from an hour ago': {
    parts: withToken({ claims: { iat: now() - 3600 } }),
    says: /claim "iat" must be the time of now/,
  },
  'a token without iat': {
    parts: withToken({ claims: { iat: undefined } }),
    says: /claim "iat"/,
  },
  'an expired token': {
    parts: withToken({ claims: { iat: now() - 30, exp: now() - 10 } }),
    says: /claim "exp" must be yet to come/,
  },
  'a token without exp': { parts: withToken({ claims: { exp: undefined } }), says: /claim "exp"/ },
  "a token under another key than the stage's": {
    parts: withToken({ key: 'k'.repeat(32) }),
    says: /signature does not hold under the stage's key \(ERR_JWS_SIGNATURE_VERIFICATION_FAILED\)/,
  },
  'a name that can be had twice': {
    parts: { taken: create('a.b.c') },
    says: /Expected 400 username_taken, got 201/,
  },
  'another status for a taken name': {
    parts: { taken: refuse(409, 'username_taken') },
    says: /Expected 400 username_taken, got 409/,
  },
  'another code for a taken name': {
    parts: { taken: refuse(400, 'taken') },
    says: /Expected 400 username_taken, got 400 taken/,
  },
  'a refusal that caches': {
    parts: { taken: refuse(400, 'username_taken', { 'cache-control': 'max-age=60' }) },
    says: /cache-control must be no-store; it is max-age=60/,
  },
  'a refusal without a text': {
    parts: { taken: { status: 400, headers: JSON_HEADERS, body: '{"code":"username_taken"}' } },
    says: /no text in "err"/,
  },
  'a bad body that is a fault': {
    parts: { badBody: refuse(500, 'internal_error') },
    says: /Expected 401 body_not_json, got 500 internal_error/,
  },
  'a 401 without a challenge': {
    parts: { badBody: refuse(401, 'body_not_json') },
    says: /no WWW-Authenticate/,
  },
}

for (const [name, { parts, says }] of Object.entries(wrong)) {
  test(`${name} fails the smoke test, which says what is wrong and holds no secret`, async (t) => {
    const { outcome, lines, requests } = await smoke(t, signUpEndpoint(parts))
    assert.match(outcome, says)
    assert.match(lines.at(-1) ?? '', /^FAILED +\d+ ms {2}\w/)

    const { password } = JSON.parse(requests[0]?.body ?? '')
    const said = [outcome, ...lines].join('\n')
    assert.ok(!said.includes(password), 'the password is in the report')
    assert.doesNotMatch(said, /eyJ/, 'a token is in the report')
  })
}
