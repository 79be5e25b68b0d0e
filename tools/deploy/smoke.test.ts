import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { decodeJwt, SignJWT } from 'jose'
import type { SigningKey } from '../../lib/adapters/signing-key.ts'
import { discovery } from '../../lib/http/well-known.ts'
import { MASTER_SECRET_ARN, STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { callCommand, runCommand } from '../../test/support/command.ts'
import { serveDatabase } from '../../test/support/database.ts'
import {
  eventWith,
  JWT_SECRET,
  loadHandler,
  ROUTE_KEYS,
  signingKey,
} from '../../test/support/handler.ts'
import { type ScriptedHttpResponse, serveHttp } from '../../test/support/http-endpoint.ts'
import { openMigratedPglite } from '../../test/support/pglite.ts'
import { newSigningKey } from '../new-signing-key.ts'
import { runSmokeSteps, SMOKE } from './smoke.ts'

type Response = Extract<ScriptedHttpResponse, { readonly status: number }>

const texts = (values: object) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
const scripted = (status: number, body: object, headers = {}): Response => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(body),
})
const FAILURE = scripted(500, { err: 'Internal server error', code: 'internal_error' })

/** The route and response of each request of a run on the real handler, and the user of that run. */
const recorded: { readonly route: string; readonly response: Response }[] = []
let user = { username: '', password: '' }

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())
const send = await loadHandler(database.url)

/** Serves the real handler without the routes of `missing`, to which API Gateway itself responds. */
async function serveHandler(t: TestContext, missing: readonly string[] = []) {
  const requests: typeof recorded = []
  const bodies: string[] = []
  const { url } = await serveHttp(t, async ({ method, path, headers, body }) => {
    bodies.push(body)
    const route = `${method} ${path}`
    if (missing.includes(route)) return scripted(404, { message: 'Not Found' })
    const event = { ...eventWith(body), headers: texts(headers), routeKey: route }
    const { statusCode: status = 0, headers: sent = {}, body: text = '' } = await send(event)
    const response = { status, headers: texts(sent), body: text }
    requests.push({ route, response })
    return response
  })
  const lines: string[] = []
  const names: string[] = []
  const options = {
    url: `${url}/auth/sign-up`,
    key: JWT_SECRET,
    say: (line: string) => lines.push(line),
    onUsername: (name: string) => names.push(name),
  }
  return { requests, bodies, lines, names, options }
}

test('the real handler passes every step, every route is tried, and the user is gone at the end', async (t) => {
  const { requests, bodies, lines, names, options } = await serveHandler(t)
  await runSmokeSteps(options)
  user = JSON.parse(bodies[0] ?? '')
  recorded.push(...requests)
  assert.deepEqual([...new Set(recorded.map(({ route }) => route))].sort(), ROUTE_KEYS.toSorted())
  // Each name that the account had, so that the removal covers both.
  assert.deepEqual(names, [user.username, `${user.username}-renamed`])
  assert.equal(lines.length, recorded.length)
  assert.deepEqual(await database.query('SELECT username FROM users'), [])
})

const [SIGN_UP = '', ...OTHER_ROUTES] = ROUTE_KEYS

for (const missing of [...OTHER_ROUTES.map((route) => [route]), OTHER_ROUTES]) {
  test(`a stage without ${missing.length > 1 ? 'all routes but one' : missing} passes, and its steps are skipped by name`, async (t) => {
    const { requests, lines, options } = await serveHandler(t, missing)
    const routes = new Set(ROUTE_KEYS.filter((route) => !missing.includes(route)))
    await runSmokeSteps({ ...options, routes })
    const tried = new Set(requests.map(({ route }) => route))
    // A sign-in starts the session of the steps.
    const needsSignIn = (route: string) =>
      !routes.has('POST /auth/sign-in') && /renew|sign-out/.test(route)
    assert.deepEqual(tried, new Set([...routes].filter((route) => !needsSignIn(route))))
    const skipped = lines.flatMap((line) => /^skip +(.*?):/.exec(line)?.[1] ?? [])
    assert.deepEqual(skipped.toSorted(), missing.toSorted())
    await assert.rejects(runSmokeSteps(options), /expected (20\d|404 \w+), got 404\./)
  })
}

/** Runs the steps again, with these responses in their order. */
async function replay(
  t: TestContext,
  responses: readonly Response[],
  key = JWT_SECRET,
  routes?: ReadonlySet<string>,
) {
  const left = [...responses]
  const { url } = await serveHttp(t, () => left.shift() ?? FAILURE)
  const lines: string[] = []
  const waits: number[] = []
  let users = 0
  const outcome = await runSmokeSteps({
    url: `${url}/auth/sign-up`,
    ...(key && { key }),
    routes,
    say: (line) => lines.push(line),
    onUsername: () => {},
    newUser() {
      users += 1
      return user
    },
    wait: async (milliseconds) => waits.push(milliseconds),
  }).then(
    () => 'passed',
    (error: unknown) => String(error),
  )
  const output = [outcome, ...lines].join('\n')
  assert.ok(!output.includes(user.password), 'the password is in the report')
  assert.doesNotMatch(output, /eyJ/, 'a token is in the report')
  return { outcome, lines, users, waits }
}

/** The recorded responses, with another one at `index`. */
const recordedBut = (index: number, mutant: Response): Response[] =>
  recorded.map(({ response }) => response).with(index, mutant)

/** Replaces a response's token by one with other claims or another key; without a token returns the response. */
async function signAnew(response: Response, claims: object, key = signingKey()): Promise<Response> {
  const { token } = response.body === '' ? {} : JSON.parse(response.body)
  if (token === undefined) return response
  const header = { alg: key.algorithm, typ: 'JWT', kid: key.publicJwk?.kid ?? '' }
  const signer = new SignJWT({ ...decodeJwt(token), ...claims }).setProtectedHeader(header)
  return { ...response, body: JSON.stringify({ token: await signer.sign(key.sign) }) }
}

test('a wrong status, body or header is noticed in each step', async (t) => {
  for (const [index, { route, response }] of recorded.entries()) {
    const { body, headers } = response
    const mutants: Response[] = [FAILURE]
    if (body !== '') mutants.push({ ...response, body: `{"more":1,${body.slice(1)}` })
    for (const name of Object.keys(headers)) {
      const { [name]: _, ...others } = headers
      mutants.push({ ...response, headers: others })
    }
    for (const mutant of mutants) {
      const { outcome, lines } = await replay(t, recordedBut(index, mutant))
      const { pathname } = new URL(/(?<= at )\S+(?=: )/.exec(outcome)?.[0] ?? '')
      assert.ok(outcome.includes(` ${route} at `), `${index}: ${outcome}`)
      assert.ok(route.endsWith(` ${pathname}`), outcome)
      assert.equal(lines.length, index)
    }
  }
})

const ANOTHER_KEY = signingKey('k'.repeat(32))
const [RSA, ANOTHER_RSA] = [signingKey(newSigningKey('RS256')), signingKey(newSigningKey('RS256'))]
const seconds = (ago: number) => Math.floor(Date.now() / 1000) - ago

test('a wrong token is noticed wherever there is one', async (t) => {
  const mutants: readonly (readonly [says: RegExp, claims: object, key?: SigningKey])[] = [
    [/another user's/, { payload: { username: 'eve', id: 1 } }],
    [/not as documented/, { payload: { username: user.username } }],
    [/"sub" claim/, { sub: '8' }],
    [/"iat" claim/, { iat: seconds(3600) }],
    [/"exp" claim/, { exp: seconds(120) }],
    [/not as documented/, { exp: undefined }],
    [/signature verification failed/, {}, ANOTHER_KEY],
    [/"alg"|configuration: expected 200, got 404/, {}, RSA],
  ]
  for (const [index, { response }] of recorded.entries()) {
    if (!response.body.includes('"token"')) continue
    for (const [says, claims, key] of mutants) {
      const mutant = await signAnew(response, claims, key)
      assert.match((await replay(t, recordedBut(index, mutant))).outcome, says)
    }
  }
})

test('another user, a malformed token, a long code and a redirect are noticed', async (t) => {
  const at = (route: string) => recorded.findIndex((each) => each.route === route)
  const me = JSON.parse(recorded[at('GET /auth/me')]?.response.body ?? '')
  for (const [route, mutant, says] of [
    ['GET /auth/me', scripted(200, { ...me, username: 'eve' }), /another user/],
    ['GET /auth/me', scripted(200, { ...me, id: me.id + 1 }), /another user/],
    ['POST /auth/sign-up', scripted(201, { token: 'a.b.c' }), /Invalid Token/],
    ['POST /auth/sign-up', scripted(500, { code: 'x'.repeat(99) }), /got 500 x{60}\.$/],
    ['POST /auth/sign-up', { status: 307, headers: { location: '/' }, body: '' }, /got 307\.$/],
  ] as const) {
    assert.match((await replay(t, recordedBut(at(route), mutant))).outcome, says)
  }
})

test('with RS256 the published keys and the issuer are checked, without the key of the stage', async (t) => {
  const issuer = 'https://id.example'
  const found = discovery('RS256', issuer)
  const cacheable = { 'cache-control': 'public, max-age=300' }
  const run = async (iss: string, keys: readonly SigningKey[], missing = '') => {
    const published = { keys: keys.map(({ publicJwk }) => publicJwk) }
    const deployed = recorded.filter(({ route }) => route !== missing)
    const responses = deployed.map(({ route, response }) => {
      if (route.endsWith('jwks.json')) return scripted(200, published, cacheable)
      if (route.endsWith('configuration'))
        return scripted(200, found.ok ? found.body : {}, cacheable)
      return signAnew(response, { iss }, RSA)
    })
    return replay(t, await Promise.all(responses), '', new Set(deployed.map(({ route }) => route)))
  }
  assert.equal((await run(issuer, [ANOTHER_RSA, RSA])).outcome, 'passed')
  assert.match((await run(issuer, [ANOTHER_RSA])).outcome, /no applicable key/)
  assert.match((await run(issuer, [])).outcome, /no applicable key/)
  assert.match((await run('https://else.example', [RSA])).outcome, /"iss" claim/)
  const { outcome, lines } = await run(issuer, [], 'GET /.well-known/jwks.json')
  assert.equal(outcome, 'passed')
  assert.match(lines.join('\n'), /signatures are unchecked/)
})

test('without the key the signature is not checked, which the report states; the claims are', async (t) => {
  const all = (claims: object) =>
    Promise.all(recorded.map(({ response }) => signAnew(response, claims, ANOTHER_KEY)))
  const { outcome, lines } = await replay(t, await all({}), '')
  assert.equal(outcome, 'passed')
  assert.match(lines.join('\n'), /signatures are unchecked/)
  assert.match((await replay(t, await all({ iat: seconds(3600) }), '')).outcome, /"iat" claim/)
})

test('a resuming database is waited for up to two minutes, with a new user each time', async (t) => {
  const resuming = (code: string, headers = {}) => scripted(503, { err: 'x', code }, headers)
  const first = resuming('database_resuming', { 'retry-after': '15' })
  const responses = recorded.map(({ response }) => response)
  const second = resuming('timed_out', { 'retry-after': '5' })
  const { outcome, users, waits } = await replay(t, [first, second, ...responses])
  assert.deepEqual([outcome, waits, users], ['passed', [15_000, 5000], 3])
  const endless = await replay(t, Array(20).fill(first))
  assert.match(endless.outcome, /expected 201, got 503 database_resuming/)
  assert.deepEqual(endless.waits, Array(8).fill(15_000))
  for (const headers of [{}, { 'retry-after': 'in 15' }]) {
    assert.deepEqual((await replay(t, [resuming('timed_out', headers)])).waits, [])
  }
})

test('an endpoint that does not respond is an error with its URL', async () => {
  const rejected = runSmokeSteps({ url: 'http://127.0.0.1:2', say: () => {}, onUsername: () => {} })
  await assert.rejects(rejected, /did not respond: ECONNREFUSED/)
})

test('a failed step on a stage still removes the user, as the master', async (t) => {
  const endpoint = await serveHttp(t, () => FAILURE)
  const outputs = { ...STACK_OUTPUTS, SignUpUrl: `${endpoint.url}/v1/auth/sign-up` }
  const aws = await serveAws(t, { outputs })
  const args = ['--stage', 'dev', '--region', 'eu-west-1']
  const { stdout, stderr, status } = await runCommand('tools/deploy/smoke.ts', args, aws.env)
  assert.equal(status, 1)
  assert.match(stderr, /^The smoke test failed: POST .*: expected 201, got 500 internal_error\.\n$/)
  const [{ path, body } = { path: '', body: '' }] = endpoint.requests
  assert.equal(path, '/v1/auth/sign-up')
  assert.equal(stdout, `ok     removed: ${JSON.parse(body).username}\n`)
  const master = { secretArn: MASTER_SECRET_ARN, database: outputs.DatabaseName }
  const expected = { ...master, resourceArn: outputs.ClusterArn }
  assert.equal(aws.statements().length, 1)
  assert.partialDeepStrictEqual(aws.statements()[0], expected)
})

test('on a stage, routes that its template lacks are skipped', async (t) => {
  const { url } = await serveHttp(t, () => FAILURE)
  const route = { Type: 'AWS::ApiGatewayV2::Route', Properties: { RouteKey: SIGN_UP } }
  const template = JSON.stringify({ Resources: { route, other: { Type: 'AWS::S3::Bucket' } } })
  const { env } = await serveAws(t, { outputs: STACK_OUTPUTS, template })
  const { stdout } = await callCommand(SMOKE, ['--stage', 'dev', '--url', url], env)
  const skipped = stdout.match(/(?<=^skip +)\w+ [^:]+/gm)
  assert.deepEqual(skipped?.toSorted(), OTHER_ROUTES.toSorted())
})

test('a user who cannot be removed fails the smoke test', async (t) => {
  const { url } = await serveHttp(t, () => FAILURE)
  const statement = () => scripted(403, { message: 'no' }, { 'x-amzn-errortype': 'AccessDenied' })
  const aws = await serveAws(t, { outputs: STACK_OUTPUTS, statement })
  const { stderr, status } = await callCommand(SMOKE, ['--stage', 'dev', '--url', url], aws.env)
  assert.deepEqual([status, stderr], [1, 'The smoke test failed: AccessDenied: no\n'])
})

test('an endpoint without a stage needs no AWS, and its user may stay', async (t) => {
  const { url, requests } = await serveHttp(t, () => FAILURE)
  const { stdout, status } = await callCommand(SMOKE, ['--url', url])
  assert.deepEqual([status, requests[0]?.path], [1, '/auth/sign-up'])
  assert.match(stdout, /^note .* Smoke-\w{12} stays/m)
})
