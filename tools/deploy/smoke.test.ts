import assert from 'node:assert/strict'
import { createSecretKey, type KeyObject } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type CryptoKey, type JWTHeaderParameters, SignJWT } from 'jose'
import { discovery, keySet } from '../../lib/http/well-known.ts'
import { MASTER_SECRET_ARN, STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { runCommand } from '../../test/support/command.ts'
import { serveDatabase } from '../../test/support/database.ts'
import {
  eventWith,
  JWT_SECRET,
  loadHandler,
  readEvent,
  signingKey,
} from '../../test/support/handler.ts'
import {
  type HttpRequest,
  type ScriptedHttpResponse,
  serveHttp,
} from '../../test/support/http-endpoint.ts'
import { openMigratedPglite } from '../../test/support/pglite.ts'
import { newSigningKey } from '../new-signing-key.ts'
import { runSmokeSteps } from './smoke.ts'

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

const answer = (status: number, body: object, headers = {}): ScriptedHttpResponse => ({
  status,
  headers: { ...JSON_HEADERS, ...headers },
  body: JSON.stringify(body),
})
const CACHEABLE = { 'cache-control': 'public, max-age=300' }
const refuse = (status: number, code: string, headers = {}) =>
  answer(status, { err: 'a text for people', code }, headers)
const create = (token: unknown) => answer(201, { token })

const now = () => Math.floor(Date.now() / 1000)

/** A 201 with a token as the service signs it, but for the claims, the algorithm or the key. */
async function signUpAs(username: string, claims = {}, alg = 'HS256', key = JWT_SECRET) {
  return create(await tokenFor(username, claims, { alg }, createSecretKey(key, 'utf8')))
}

function tokenFor(
  username: string,
  claims: object,
  header: JWTHeaderParameters,
  key: KeyObject | CryptoKey,
) {
  const iat = now()
  const all = { payload: { username, id: 7 }, sub: '7', iat, exp: iat + 60, ...claims }
  return new SignJWT(all).setProtectedHeader({ typ: 'JWT', ...header }).sign(key)
}

const RSA = signingKey(newSigningKey('RS256'))
const ISSUER = 'https://id.example'

/** An endpoint that signs with RS256, but for the parts named. */
async function rsaEndpoint(parts: EndpointParts = {}, key = RSA) {
  const header = { alg: 'RS256', kid: key.publicJwk?.kid ?? '' }
  const grant = async (name: string) =>
    create(await tokenFor(name, { iss: ISSUER }, header, key.sign))
  const [keys, found] = [await keySet({ loadKeys: async () => [RSA] }), discovery('RS256', ISSUER)]
  return endpointWith({
    created: grant,
    keySet: answer(200, keys.body, CACHEABLE),
    discovery: answer(200, found.ok ? found.body : {}, CACHEABLE),
    ...parts,
  })
}

const ANOTHER_KEY = 'k'.repeat(32)

/** The parts of an endpoint that a test may have wrong. */
interface EndpointParts {
  readonly created?: (username: string) => ScriptedHttpResponse | Promise<ScriptedHttpResponse>
  readonly taken?: ScriptedHttpResponse
  readonly badBody?: ScriptedHttpResponse
  readonly signedIn?: ScriptedHttpResponse
  readonly wrongPassword?: ScriptedHttpResponse
  readonly me?: ScriptedHttpResponse
  readonly noToken?: ScriptedHttpResponse
  readonly changed?: ScriptedHttpResponse
  readonly oldToken?: ScriptedHttpResponse
  readonly deleted?: ScriptedHttpResponse
  readonly gone?: ScriptedHttpResponse
  readonly keySet?: ScriptedHttpResponse
  readonly discovery?: ScriptedHttpResponse
}

/** Makes an endpoint that keeps the contract, but for the parts named. */
function endpointWith(parts: EndpointParts = {}) {
  const challenge = { 'www-authenticate': 'Bearer error="invalid_request"' }
  const {
    created = (username) => signUpAs(username),
    taken = refuse(400, 'username_taken'),
    badBody = refuse(401, 'body_not_json', challenge),
    wrongPassword = refuse(401, 'invalid_credentials', challenge),
    noToken = refuse(401, 'token_missing', challenge),
    oldToken = refuse(401, 'token_invalid', challenge),
    keySet = answer(200, { keys: [] }, CACHEABLE),
    discovery = refuse(404, 'discovery_unavailable'),
  } = parts
  const names = new Set<string>()
  let first = ''
  let isChanged = false
  let isDeleted = false

  return async ({ path, headers, body }: HttpRequest): Promise<ScriptedHttpResponse> => {
    if (path === '/.well-known/jwks.json') return keySet
    if (path === '/.well-known/openid-configuration') return discovery
    if (path.endsWith('/delete-account')) {
      isDeleted = true
      return parts.deleted ?? { status: 204, headers: { 'cache-control': 'no-store' }, body: '' }
    }
    if (path.endsWith('/change-password')) {
      isChanged = true
      return parts.changed ?? { ...(await created(first)), status: 200 }
    }
    if (path.endsWith('/me')) {
      if (isChanged) return oldToken
      return headers['authorization']
        ? (parts.me ?? answer(200, { id: 7, username: first }))
        : noToken
    }
    // The smoke test's only body that is not JSON has no password.
    if (!body.includes('"password"')) return badBody
    const { username, password }: { username: string; password: string } = JSON.parse(body)
    if (path.endsWith('/sign-in')) {
      if (password.startsWith('not ')) return wrongPassword
      if (isDeleted) return parts.gone ?? wrongPassword
      return parts.signedIn ?? { ...(await created(first)), status: 200 }
    }
    if (names.has(username.toLowerCase())) return taken
    names.add(username.toLowerCase())
    first = username
    return created(username)
  }
}

/** Runs the steps on an endpoint; resolves with all that they report and do. */
async function smoke(
  t: TestContext,
  endpoint: (request: HttpRequest) => ScriptedHttpResponse | Promise<ScriptedHttpResponse>,
  key = JWT_SECRET,
) {
  const { url, requests } = await serveHttp(t, endpoint)
  const lines: string[] = []
  const usernames: string[] = []
  const waits: number[] = []
  const outcome = await runSmokeSteps({
    url,
    ...(key && { key }),
    say: (line) => lines.push(line),
    onUsername: (username) => usernames.push(username),
    wait: async (milliseconds) => waits.push(milliseconds),
  }).then(
    () => 'passed',
    (error: unknown) => (error instanceof Error ? error.message : 'not an error'),
  )
  return { outcome, lines, usernames, waits, requests }
}

test('the real handler on an embedded database passes every step', async (t) => {
  const database = await serveDatabase(await openMigratedPglite())
  t.after(() => database.close())
  const send = await loadHandler(database.url)
  const { outcome, lines, usernames, requests } = await smoke(t, async (request) => {
    const { method, path, body } = request
    const [file = ''] = /[\w-]+(?=(\.json)?$)/.exec(path) ?? []
    const name = file === 'me' ? 'me-missing-token' : file
    const event = method === 'GET' ? readEvent(name) : eventWith(body, name || 'sign-up')
    const { authorization } = request.headers
    const headersSent = {
      ...event.headers,
      ...(authorization && { authorization: `${authorization}` }),
    }
    const {
      statusCode = 0,
      headers,
      body: answer = '',
    } = await send({ ...event, headers: headersSent })
    const texts = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])
    return { status: statusCode, headers: Object.fromEntries(texts), body: answer }
  })
  assert.equal(outcome, 'passed')
  assert.equal(lines.filter((line) => line.startsWith('ok ')).length, 10)
  assert.equal(usernames.length, 1)
  assert.deepEqual(await database.query('SELECT username FROM users'), [])
  const [first, again] = requests
    .filter(({ body }) => body !== '')
    .slice(0, 2)
    .map(({ body }) => JSON.parse(body))
  assert.notEqual(again.username, first.username)
  assert.equal(again.username.toLowerCase(), first.username.toLowerCase())
  assert.ok(first.password.length >= 16 && !lines.join().includes(first.password))
})

test('with RS256 the published keys verify the tokens, with no key of the stage', async (t) => {
  const { outcome, lines } = await smoke(t, await rsaEndpoint(), '')
  assert.equal(outcome, 'passed')
  assert.match(lines[0] ?? '', /new user/)
  assert.doesNotMatch(lines.join('\n'), /unchecked/)
})

for (const [name, says, parts, key] of [
  ['an empty key set', /does not verify/, { keySet: answer(200, { keys: [] }, CACHEABLE) }],
  ['another key', /does not verify/, {}, signingKey(newSigningKey('RS256'))],
  ['a key set that is none', /malformed/, { keySet: answer(200, { keys: {} }, CACHEABLE) }],
  ['a key set without keys', /no list in "keys"/, { keySet: answer(200, {}, CACHEABLE) }],
  [
    'a key set that no cache keeps',
    /max-age=300, not no-store/,
    { keySet: answer(200, { keys: [] }) },
  ],
  ['no discovery', /Expected 200, got 404/, { discovery: refuse(404, 'x') }],
  [
    'another issuer',
    /not that of the token/,
    { discovery: answer(200, { issuer: 'x' }, CACHEABLE) },
  ],
] as const) {
  test(`with RS256, ${name} fails the smoke test`, async (t) => {
    const { outcome } = await smoke(t, await rsaEndpoint(parts, key))
    assert.match(outcome, says)
  })
}

test('without the key the signature is not checked, and the report states that', async (t) => {
  const created = (name: string) => signUpAs(name, {}, 'HS256', ANOTHER_KEY)
  const { outcome, lines } = await smoke(t, endpointWith({ created }), '')
  assert.equal(outcome, 'passed')
  assert.match(lines[1] ?? '', /signature unchecked$/)
})

test('a resuming database is waited for as it asks, with a new name each time', async (t) => {
  const responses = [
    refuse(503, 'database_resuming', { 'retry-after': '15' }),
    refuse(503, 'timed_out', { 'retry-after': '5' }),
  ]
  const created = (name: string) => responses.shift() ?? signUpAs(name)
  const { outcome, usernames, waits } = await smoke(t, endpointWith({ created }))
  assert.equal(outcome, 'passed')
  assert.deepEqual(waits, [15_000, 5000])
  assert.equal(new Set(usernames).size, 3)
})

test('a database that does not resume is waited for two minutes', async (t) => {
  const created = () => refuse(503, 'database_resuming', { 'retry-after': '15' })
  const { outcome, waits } = await smoke(t, endpointWith({ created }))
  assert.match(outcome, /Expected 201, got 503 database_resuming/)
  assert.deepEqual(waits, Array(8).fill(15_000))
})

test('an endpoint that does not respond fails with a sentence', async () => {
  const refused = runSmokeSteps({ url: 'http://127.0.0.1:2', say: () => {}, onUsername: () => {} })
  await assert.rejects(refused, /did not respond: ECONNREFUSED/)
})

const created = (response: ScriptedHttpResponse): EndpointParts => ({ created: () => response })
const json = (status: number, body: string, headers: Readonly<Record<string, string>>) =>
  created({ status, headers, body })
const claims = (claims: object, alg?: string, key?: string): EndpointParts => ({
  created: (name) => signUpAs(name, claims, alg, key),
})
const JSON_ALONE = { 'content-type': 'application/json' }
const NO_ERR = { status: 400, headers: JSON_HEADERS, body: '{"code":"username_taken"}' }

/** What is wrong with an endpoint, and what the smoke test says of it. */
const WRONG: readonly (readonly [name: string, EndpointParts, says: RegExp])[] = [
  ['a 500', created(refuse(500, 'internal_error')), /Expected 201, got 500 internal_error/],
  ['a 503 without Retry-After', created(refuse(503, 'timed_out')), /got 503 timed_out/],
  ['a 503 with a date', created(refuse(503, 'x', { 'retry-after': 'in 15' })), /got 503 x/],
  ['a 429', created(refuse(429, 'slow_down', { 'retry-after': '1' })), /got 429 slow_down/],
  ['a redirect', json(307, '', { location: '/x' }), /got 307/],
  ['a cacheable 201', json(201, '{}', JSON_ALONE), /no-store, not missing/],
  ['HTML', json(201, '<p>', { 'content-type': 'text/html' }), /application\/json, not text\/html/],
  ['HTML called JSON', json(201, '<p>', JSON_HEADERS), /no text in "token"/],
  ['a 201 of null', json(201, 'null', JSON_HEADERS), /no text in "token"/],
  ['a long code', created(refuse(500, 'x'.repeat(1000))), /got 500 x{60}\.$/],
  ['a malformed token', created(create('a.b.c')), /not a JWT/],
  ['another algorithm', claims({}, 'HS384'), /JWT with HS256/],
  ["somebody else's token", { created: () => signUpAs('eve') }, /"payload"/],
  ['a token without id', claims({ payload: { username: 'gary' } }), /"payload"/],
  ['a token without sub', claims({ sub: undefined }), /"sub"/],
  ['an old token', claims({ iat: now() - 3600 }), /"iat"/],
  ['an expired token', claims({ iat: now() - 30, exp: now() - 10 }), /"exp"/],
  ['a token without exp', claims({ exp: undefined }), /"exp"/],
  ['another key', claims({}, 'HS256', ANOTHER_KEY), /signature does not verify/],
  ['a name taken twice', { taken: create('a.b.c') }, /Expected 400 username_taken, got 201/],
  ['another code', { taken: refuse(400, 'taken') }, /Expected 400 username_taken, got 400 taken/],
  ['a 400 without err', { taken: NO_ERR }, /no text in "err"/],
  ['a bad body that is 500', { badBody: refuse(500, 'x') }, /401 body_not_json, got 500 x/],
  ['a 401 without challenge', { badBody: refuse(401, 'body_not_json') }, /no WWW-Authenticate/],
  ['a sign-in that is 201', { signedIn: create('a.b.c') }, /Expected 200, got 201/],
  ['a sign-in without token', { signedIn: answer(200, {}) }, /no text in "token"/],
  ['a sign-in as nobody', { signedIn: answer(200, { token: 'a.b.c' }) }, /not a JWT/],
  ['any password', { wrongPassword: answer(200, { token: 'a.b.c' }) }, /401 invalid_c\w+, got 200/],
  ['another user', { me: answer(200, { id: 7, username: 'eve' }) }, /somebody else/],
  ['another id', { me: answer(200, { id: 8, username: 'eve' }) }, /somebody else/],
  ['a token that is refused', { me: refuse(401, 'token_invalid') }, /200, got 401 token_invalid/],
  ['a change that is refused', { changed: refuse(401, 'x') }, /200, got 401 x/],
  ['a token that stays', { oldToken: answer(200, {}) }, /401 token_invalid, got 200/],
  ['a deletion with a body', { deleted: answer(200, {}) }, /Expected 204, got 200/],
  ['a user that stays', { gone: answer(200, { token: 'a.b.c' }) }, /401 invalid_\w+, got 200/],
  ['me without a token', { noToken: answer(200, { id: 7, username: 'x' }) }, /401 token_missing/],
]

for (const [name, parts, says] of WRONG) {
  test(`${name} fails the smoke test, with a reason and without a secret`, async (t) => {
    const { outcome, lines, requests } = await smoke(t, endpointWith(parts))
    assert.match(outcome, says)
    const { password } = JSON.parse(requests[0]?.body ?? '')
    const output = [outcome, ...lines].join('\n')
    assert.ok(!output.includes(password), 'the password is in the report')
    assert.doesNotMatch(output, /eyJ/, 'a token is in the report')
  })
}

const command = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  runCommand('tools/deploy/smoke.ts', args, env)

/** A deployed stage: an endpoint, and AWS's responses about it. */
async function deployStage(t: TestContext, parts: EndpointParts = {}) {
  const endpoint = await serveHttp(t, endpointWith(parts))
  const outputs = { ...STACK_OUTPUTS, SignUpUrl: `${endpoint.url}/auth/sign-up` }
  return { endpoint, outputs, aws: await serveAws(t, { outputs, secret: JWT_SECRET }) }
}

test('a stage is tried at its URL and with its key, and its user removed as the master', async (t) => {
  const { endpoint, outputs, aws } = await deployStage(t)
  const { stdout, stderr, status } = await command(
    ['--stage', 'dev', '--region', 'eu-west-1'],
    aws.env,
  )
  assert.deepEqual([stderr, status], ['', 0])
  assert.equal(endpoint.requests[0]?.path, '/auth/sign-up')
  const { username } = JSON.parse(endpoint.requests[0]?.body ?? '')
  assert.match(stdout, new RegExp(`^ok +removed: ${username}$`, 'm'))
  const [statement, ...others] = aws.statements()
  assert.deepEqual(others, [])
  assert.equal(statement?.['secretArn'], MASTER_SECRET_ARN)
  assert.equal(statement?.['resourceArn'], outputs.ClusterArn)
  assert.equal(statement?.['database'], 'latchkey')
})

test('the user is removed also if a step fails, at the URL that is given', async (t) => {
  const { endpoint, aws } = await deployStage(t, created(refuse(500, 'internal_error')))
  const args = ['--stage', 'dev', '--url', `${endpoint.url}/elsewhere`]
  const { stdout, stderr, status } = await command(args, aws.env)
  assert.equal(status, 1)
  assert.match(stderr, /^The smoke test failed: Expected 201, got 500 internal_error\.\n$/)
  assert.match(stdout, /^ok .*removed: Smoke-\w{12}\n$/)
  assert.equal(endpoint.requests[0]?.path, '/elsewhere')
  assert.equal(aws.statements().length, 1)
})

test('a user who cannot be removed fails the smoke test, and so does a stage that is not deployed', async (t) => {
  const { outputs } = await deployStage(t)
  const headers = { 'x-amzn-errortype': 'AccessDeniedException' }
  const statement = () => ({ status: 403, headers, body: '{"message":"not authorized"}' })
  for (const [stack, problem] of [
    [{ outputs, secret: JWT_SECRET, statement }, /^The smoke test failed: Access\w+: not auth/],
    [{}, /^The smoke test failed: There is no stack latchkey-dev in eu-central-1/],
  ] as const) {
    const { stderr, status } = await command(['--stage', 'dev'], (await serveAws(t, stack)).env)
    assert.equal(status, 1)
    assert.match(stderr, problem)
  }
})

test('an endpoint without a stage needs no AWS, and its user stays', async (t) => {
  const { url, requests } = await serveHttp(t, endpointWith())
  const { stdout, status } = await command(['--url', url])
  assert.equal(status, 0)
  assert.equal(requests[0]?.path, '/auth/sign-up')
  assert.match(stdout, /^note .* Smoke-\w{12} stays/m)
})

test('wrong arguments are named, with the usage', async () => {
  for (const [args, problem] of [
    [[], /^--url or --stage is missing/],
    [['--url', 'example.org'], /^--url is no URL: example\.org/],
    [['--url', 'ftp://example.org'], /^--url is no URL/],
    [['--stag', 'dev'], /^Unknown option '--stag'/],
    [['dev'], /^Unexpected argument 'dev'/],
  ] as const) {
    const { stdout, stderr, status } = await command(args)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, problem)
    assert.match(stderr, /npm run smoke -- --stage S/)
  }
})
