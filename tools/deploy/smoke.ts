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
import { openStageDatabase, readStackOutputs } from './stage.ts'

const USAGE = `Tries the contract of every route on a deployed endpoint.

  npm run smoke -- --url U                  signs a random user up and in, and deletes the account
  npm run smoke -- --stage S [--region R]   also checks an HS256 signature, and removes the user if a step fails

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

/**
 * Sends every route requests that must succeed and requests that must fail, from the sign-up of a random user to
 * the deletion, and compares each response with openapi.yaml. Reports each response, and rejects with the first
 * wrong one. No report or error holds the password or a token.
 */
export async function runSmokeSteps(options: SmokeOptions): Promise<void> {
  const { url, key, say, onUsername, newUser = randomUser, wait = sleep } = options
  /** Resolves with the body of a response that has the wanted status, and code if one follows it. */
  async function expect(routeKey: string, wanted: string, request: SmokeRequest = {}) {
    const body = checkResponse(await send(url, routeKey, request), routeKey, wanted)
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
  const { token: first } = checkResponse(created, 'POST /auth/sign-up', '201')
  say('ok     POST /auth/sign-up: 201')
  const { username, password } = user

  const isRsa = decodeProtectedHeader(first).alg === 'RS256'
  const published = await expect('GET /.well-known/jwks.json', '200')
  const discovery = isRsa ? '200' : '404 discovery_unavailable'
  const { issuer } = await expect('GET /.well-known/openid-configuration', discovery)
  const secret = key === undefined ? undefined : async () => Buffer.from(key)
  const getKey = isRsa ? createLocalJWKSet(published) : secret
  const rules = { username, issuer, getKey, algorithm: isRsa ? 'RS256' : 'HS256' }
  await checkToken(first, rules)
  if (!getKey) say('note   the signatures are unchecked: only --stage has the key')

  const same = { body: { username: username.toUpperCase(), password } }
  await expect('POST /auth/sign-up', '400 username_taken', same)
  await expect('POST /auth/sign-up', '401 body_not_json', { body: '{"username":' })
  const { token } = await expect('POST /auth/sign-in', '200', same)
  const { sub } = await checkToken(token, rules)
  const wrong = { body: { username, password: `not ${password}` } }
  await expect('POST /auth/sign-in', '401 invalid_credentials', wrong)

  const me = await expect('GET /auth/me', '200', { token })
  assert.ok(me.username === username && String(me.id) === sub, 'GET /auth/me: another user.')
  await expect('GET /auth/me', '401 token_missing')

  const newUsername = `${username}-renamed`
  onUsername(newUsername)
  const rename = { body: { username: newUsername, password }, token }
  const renamed = await expect('POST /auth/change-username', '200', rename)
  const newRules = { ...rules, username: newUsername }
  await checkToken(renamed.token, newRules)
  await expect('POST /auth/sign-in', '401 invalid_credentials', same)

  const newPassword = `${password}, changed`
  const change = { body: { currentPassword: password, newPassword }, token }
  const changed = await expect('POST /auth/change-password', '200', change)
  await checkToken(changed.token, newRules)
  await expect('GET /auth/me', '401 token_invalid', { token })

  const deletion = { body: { password: newPassword }, token: changed.token }
  await expect('POST /auth/delete-account', '204', deletion)
  const gone = { body: { username: newUsername, password: newPassword } }
  await expect('POST /auth/sign-in', '401 invalid_credentials', gone)
}

interface SmokeRequest {
  /** Text is sent as it is, any other value as JSON. */
  readonly body?: string | object
  readonly token?: string
}

async function send(signUpUrl: string, routeKey: string, { body, token }: SmokeRequest) {
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
    throw new Error(`${url} did not respond: ${code ?? message}.`)
  })
  const { status } = response
  const headers = Object.fromEntries(response.headers)
  const text = await response.text()
  const retryAfter = /^\d{1,4}$/.exec(headers['retry-after'] ?? '') ?? '0'
  return { status, headers, body: text, json: parseObject(text), retryAfter: Number(retryAfter) }
}

/** Parses a body whose fields are unknown; a body that is not an object has no fields. */
function parseObject(text: string) {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/** Returns the body. Messages hold status and code only: the rest of a response can be a token. */
function checkResponse(
  { status, headers, body, json }: Awaited<ReturnType<typeof send>>,
  routeKey: string,
  wanted: string,
) {
  const found = `${status} ${String(json.code ?? '').slice(0, 60)}`.trim()
  assert.ok(found === wanted, `${routeKey}: expected ${wanted}, got ${found}.`)
  const type = headers['content-type']?.split(';')[0]
  const received = { ...headers, ...(type && { 'content-type': type }) }
  const difference = findDifference({ status, headers: received, body }, routeKey)
  assert.ok(difference === '', `${routeKey}: the ${status} is not as documented: ${difference}.`)
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

/** Resolves with the claims of a token that matches the rules and the schema of openapi.yaml. */
async function checkToken(token: string, { username, issuer, algorithm, getKey }: TokenRules) {
  const claims = decodeJwt(token)
  const problem = findClaimProblem(claims)
  assert.ok(problem === '', `The claims are not as documented: ${problem}.`)
  const user = Object(claims['payload'])
  assert.ok(user.username === username, "The token is another user's.")
  const options = { subject: String(user.id), maxTokenAge: 300, clockTolerance: 60 }
  const expected = issuer === undefined ? options : { ...options, issuer }
  if (getKey) await jwtVerify(token, getKey, { ...expected, algorithms: [algorithm], typ: 'JWT' })
  else UnsecuredJWT.decode(new UnsecuredJWT(claims).encode(), expected)
  return claims
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
  const usernames: string[] = []
  const onUsername = (username: string) => usernames.push(username)
  try {
    await runSmokeSteps({ url: url ?? outputs.signUpUrl, key, say, onUsername })
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
