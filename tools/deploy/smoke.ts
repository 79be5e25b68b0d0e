import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JWTVerifyGetKey,
  jwtVerify,
  UnsecuredJWT,
} from 'jose'
import { readSecret } from '../../lib/adapters/secrets.ts'
import { type Output, type Program, runProgram, STAGE_OPTIONS } from '../command-line.ts'
import { retryWhileResuming } from '../database/resuming.ts'
import { createValidator, findDifference } from '../openapi.ts'
import { openStageDatabase, readStackOutputs, readTemplate } from './stage.ts'

const USAGE = `Tries the contract of every route on a deployed endpoint.

  npm run smoke -- --url U                  signs a random user up and in, and deletes the account
  npm run smoke -- --stage S [--region R]   also checks an HS256 signature, removes the user if a step fails, and
                                            skips routes that the deployed template lacks, as after a rollback

  --url U      the URL of the sign-up (default with --stage: the stage's own)
  --stage S    a deployed stage, such as dev; needs AWS credentials
  --region R   where the stage is (default: eu-central-1)
`

/** Longest wait for a paused database. A resume takes about 15 s, and 30 s or more after a day's pause. */
const RESUME_SECONDS = 120

/** Input of the steps. */
interface SmokeOptions {
  /** The URL of the sign-up; the other routes are beside it. */
  readonly url: string
  /** The key of the tokens with HS256; without it their signature is not checked. */
  readonly key?: string | undefined
  /** The deployed routes, by API Gateway's route keys; without them every route must be there. */
  readonly routes?: ReadonlySet<string> | undefined
  readonly say: Output['say']
  /** Called with each name before it is sent, so that the user can be removed after any response. */
  readonly onUsername: (username: string) => unknown
  readonly newUser?: () => { readonly username: string; readonly password: string }
  readonly wait?: (milliseconds: number) => Promise<unknown>
}

const randomUser = () => ({
  username: `Smoke-${randomBytes(6).toString('hex')}`,
  password: randomBytes(18).toString('base64url'),
})

/** The routes that have steps. */
const ROUTE_KEYS = [
  'POST /auth/sign-up',
  'GET /.well-known/jwks.json',
  'GET /.well-known/openid-configuration',
  'POST /auth/sign-in',
  'GET /auth/me',
  'POST /auth/renew',
  'POST /auth/sign-out',
  'POST /auth/change-username',
  'POST /auth/change-password',
  'POST /auth/delete-account',
] as const

type RouteKey = (typeof ROUTE_KEYS)[number]

/**
 * Sends every deployed route requests that must succeed and requests that must fail, from the sign-up of a random user
 * to the deletion, and compares each response with openapi.yaml. Reports each response and each route that is not
 * deployed, and rejects with the first wrong response. No report or error holds the password or a token.
 */
export async function runSmokeSteps(options: SmokeOptions): Promise<void> {
  const { url, key, routes, say, onUsername, newUser = randomUser, wait = sleep } = options
  const has = (routeKey: RouteKey) => routes?.has(routeKey) ?? true
  for (const routeKey of ROUTE_KEYS) {
    if (!has(routeKey)) say(`skip   ${routeKey}: the deployed template has no such route`)
  }
  /**
   * Resolves with the body of a response that has the wanted status, and code if one follows it, once `check` accepts
   * it. Resolves with an empty body if the route is not deployed.
   */
  async function expect(
    routeKey: RouteKey,
    wanted: string,
    request: SmokeRequest = {},
    check?: Check,
  ) {
    if (!has(routeKey)) return {}
    const body = await checkResponse(await send(url, routeKey, request), wanted, check)
    say(`ok     ${routeKey}: ${wanted}`)
    return body
  }

  let user = newUser()
  const signUp = (): ReturnType<typeof send> => {
    onUsername(user.username)
    return send(url, 'POST /auth/sign-up', { body: user })
  }
  let created = await signUp()
  // A 503 may have stored its own name, so each attempt has a new one.
  for (let waited = 0; created.status === 503 && created.retryAfter > 0; created = await signUp()) {
    waited += created.retryAfter
    if (waited > RESUME_SECONDS) break
    say(`waits  ${created.retryAfter} s, as a 503 ${created.json.code} asks`)
    await wait(created.retryAfter * 1000)
    user = newUser()
  }
  const { token: first } = await checkResponse(created, '201', ({ token }) =>
    decodeProtectedHeader(token),
  )
  say('ok     POST /auth/sign-up: 201')
  let { username, password } = user

  const isRsa = decodeProtectedHeader(first).alg === 'RS256'
  const published = await expect('GET /.well-known/jwks.json', '200')
  const discovery = isRsa ? '200' : '404 discovery_unavailable'
  const { issuer } = await expect('GET /.well-known/openid-configuration', discovery)
  const secret = key === undefined ? undefined : async () => Buffer.from(key)
  const getKey = isRsa ? published.keys && createLocalJWKSet(published) : secret
  const algorithm = isRsa ? 'RS256' : 'HS256'
  const checkToken: Check = ({ token }) =>
    checkClaims(token, { username, issuer, getKey, algorithm })
  await checkResponse(created, '201', checkToken)
  const reason = isRsa ? 'no route has the keys' : 'only --stage has the key'
  if (!getKey) say(`note   the signatures are unchecked: ${reason}`)

  const same = () => ({ body: { username: username.toUpperCase(), password } })
  await expect('POST /auth/sign-up', '400 username_taken', same())
  await expect('POST /auth/sign-up', '401 body_not_json', { body: '{"username":' })
  let { token = first } = await expect('POST /auth/sign-in', '200', same(), checkToken)
  const wrong = { body: { username, password: `not ${password}` } }
  await expect('POST /auth/sign-in', '401 invalid_credentials', wrong)

  const { sub } = decodeJwt(token)
  await expect('GET /auth/me', '200', { token }, (me) =>
    assert.ok(me.username === username && String(me.id) === sub, 'another user'),
  )
  await expect('GET /auth/me', '401 token_missing')

  const hasSessions = has('POST /auth/renew') || has('POST /auth/sign-out')
  if (hasSessions && has('POST /auth/sign-in')) {
    const withSession = { body: { ...same().body, session: true } }
    const { sessionToken } = await expect('POST /auth/sign-in', '200', withSession, checkToken)
    const session = { token: String(sessionToken) }
    await expect('POST /auth/renew', '200', session, checkToken)
    await expect('POST /auth/sign-out', '204', session)
    if (has('POST /auth/sign-out')) await expect('POST /auth/renew', '401 session_ended', session)
  }

  if (has('POST /auth/change-username')) {
    const former = same()
    username = `${username}-renamed`
    onUsername(username)
    const rename = { body: { username, password }, token }
    const renamed = await expect('POST /auth/change-username', '200', rename, checkToken)
    token = renamed.token
    await expect('POST /auth/sign-in', '401 invalid_credentials', former)
  }
  if (has('POST /auth/change-password')) {
    const newPassword = `${password}, changed`
    const change = { body: { currentPassword: password, newPassword }, token }
    const changed = await expect('POST /auth/change-password', '200', change, checkToken)
    await expect('GET /auth/me', '401 token_invalid', { token })
    token = changed.token
    password = newPassword
  }
  if (has('POST /auth/delete-account')) {
    await expect('POST /auth/delete-account', '204', { body: { password }, token })
    await expect('POST /auth/sign-in', '401 invalid_credentials', same())
  }
}

/** Rejects or throws if the body of a response is wrong; the message has no token. */
type Check = (body: ReturnType<typeof parseObject>) => unknown

interface SmokeRequest {
  /** Text is sent as it is, any other value as JSON. */
  readonly body?: string | object
  readonly token?: string
}

async function send(signUpUrl: string, routeKey: RouteKey, { body, token }: SmokeRequest) {
  const [method = '', path = ''] = routeKey.split(' ')
  const url = new URL(`..${path}`, signUpUrl).href
  const response = await fetch(url, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual', // A redirect could carry the password to another host.
    signal: AbortSignal.timeout(40_000), // The gateway's 30 s, and the network.
  }).catch((error: Error) => {
    const { code, message } = Object(error.cause ?? error)
    throw new Error(`${routeKey} at ${url} did not respond: ${code ?? message}.`)
  })
  const { status } = response
  const headers = Object.fromEntries(response.headers)
  const text = await response.text()
  const retryAfter = /^\d{1,4}$/.exec(headers['retry-after'] ?? '') ?? '0'
  const json = parseObject(text)
  return { routeKey, url, status, headers, body: text, json, retryAfter: Number(retryAfter) }
}

/** Parses a body whose fields are unknown; a body that is not an object has no fields. */
function parseObject(text: string) {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/**
 * Resolves with the body. Messages name the route and the URL, and of a response hold status and code only: the rest
 * can be a token.
 */
async function checkResponse(
  { routeKey, url, status, headers, body, json }: Awaited<ReturnType<typeof send>>,
  wanted: string,
  check?: Check,
) {
  const found = `${status} ${String(json.code ?? '').slice(0, 60)}`.trim()
  const step = `${routeKey} at ${url}`
  assert.ok(found === wanted, `${step}: expected ${wanted}, got ${found}.`)
  const type = headers['content-type']?.split(';')[0]
  const received = { ...headers, ...(type && { 'content-type': type }) }
  const difference = findDifference({ status, headers: received, body }, routeKey)
  assert.ok(difference === '', `${step}: the ${status} is not as documented: ${difference}.`)
  try {
    await check?.(json)
  } catch (error) {
    throw new Error(`${step}: the ${status} is wrong: ${Object(error).message}.`)
  }
  return json
}

interface TokenRules {
  readonly username: string
  readonly issuer: string | undefined
  readonly algorithm: string
  /** Without it, only the claims are checked. */
  readonly getKey: JWTVerifyGetKey | undefined
}

const findClaimProblem = createValidator(['components', 'schemas', 'TokenClaims'])

/** Rejects unless a token matches the rules and the schema of openapi.yaml. */
async function checkClaims(
  token: string,
  { username, issuer, algorithm, getKey }: TokenRules,
): Promise<void> {
  const claims = decodeJwt(token)
  const problem = findClaimProblem(claims)
  assert.ok(problem === '', `the claims are not as documented: ${problem}`)
  const user = Object(claims['payload'])
  assert.ok(user.username === username, "the token is another user's")
  const options = { subject: String(user.id), maxTokenAge: 300, clockTolerance: 60 }
  const expected = issuer === undefined ? options : { ...options, issuer }
  if (getKey) await jwtVerify(token, getKey, { ...expected, algorithms: [algorithm], typ: 'JWT' })
  else UnsecuredJWT.decode(new UnsecuredJWT(claims).encode(), expected)
}

/** Returns the routes of a template's API; `undefined` without a template. */
function routesOf(template: unknown): ReadonlySet<string> | undefined {
  if (template === undefined) return undefined
  const resources = Object.values(Object(Object(template).Resources)).map(Object)
  const routes = resources.filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route')
  return new Set(routes.map(({ Properties }) => String(Properties?.RouteKey)))
}

/** Runs the steps on a stage, and removes their users as the database's master, also if a step fails. */
async function smokeStage(
  stage: string,
  region: string,
  url: string | undefined,
  say: Output['say'],
): Promise<void> {
  const outputs = await readStackOutputs(stage, region)
  const key = await readSecret(new SecretsManagerClient({ region }), outputs.jwtSecretArn)
  const database = await openStageDatabase(outputs, region)
  const routes = routesOf(await readTemplate(stage, region))
  const usernames: string[] = []
  const onUsername = (username: string) => usernames.push(username)
  try {
    await runSmokeSteps({ url: url ?? outputs.signUpUrl, key, routes, say, onUsername })
  } finally {
    const sql = `DELETE FROM users WHERE lower(username) IN
      (SELECT lower(jsonb_array_elements_text(CAST(:names AS JSONB))))`
    const names = JSON.stringify(usernames)
    await retryWhileResuming(() => database.execute(sql, { names }), { say })
    say(`ok     removed: ${usernames.join(', ')}`)
  }
}

function parse(args: string[]) {
  const options = { ...STAGE_OPTIONS, url: { type: 'string' } } as const
  const { url, stage, region } = parseArgs({ args, options }).values
  if (!url && !stage) throw new TypeError('--url or --stage is missing.')
  const parsed = url ? URL.parse(url) : undefined
  if (url && !/^https?:$/.test(parsed?.protocol ?? ''))
    throw new TypeError(`--url is not a URL: ${url}`)
  // A host alone means the endpoint on it.
  if (parsed?.pathname === '/') parsed.pathname = '/auth/sign-up'
  return { url: parsed?.href, stage, region }
}

type Arguments = ReturnType<typeof parse>

async function run({ url, stage, region }: Arguments, { say }: Output): Promise<void> {
  const onUsername = (name: string) =>
    say(`note   the user ${name} stays if a step fails; only --stage removes it`)
  if (stage) await smokeStage(stage, region, url, say)
  else if (url) await runSmokeSteps({ url, say, onUsername })
  say('The endpoint keeps the contract.')
}

const failure = 'The smoke test failed'
/** `npm run smoke`. */
export const SMOKE: Program<Arguments> = { usage: USAGE, failure, parse, run }

if (import.meta.main) await runProgram(SMOKE)
