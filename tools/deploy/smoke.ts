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
} from 'jose'
import { readSecret } from '../../lib/adapters/secrets.ts'
import { DOCUMENT_MAX_AGE_SECONDS } from '../../lib/http/well-known.ts'
import { runProgram, STAGE_OPTIONS, say } from '../command-line.ts'
import { retryWhileResuming } from '../database/resuming.ts'
import { openStageDatabase, readStackOutputs } from './stage.ts'

const USAGE = `Tries the contract of every route on a deployed endpoint.

  npm run smoke -- --url U                  signs a random user up and in, and deletes them
  npm run smoke -- --stage S [--region R]   also checks an HS256 signature, and removes the user if a step fails

  --url U      the URL of the sign-up; with --stage it may be left out, and is then the stage's own
  --stage S    a deployed stage, such as dev; needs AWS credentials
  --region R   where the stage is (default: eu-central-1)
`

/** How long a paused database is waited for. A resume takes some 15 s, after a day's pause 30 s or more. */
const RESUME_SECONDS = 120

/** What the steps work with. */
export interface SmokeOptions {
  /** The URL of the sign-up; the other routes are beside it. */
  readonly url: string
  /** The key of the tokens with HS256; without it their signature is not checked. */
  readonly key?: string | undefined
  readonly say: (line: string) => void
  /** Called with each name before it is sent, so that the user can be removed whatever the response. */
  readonly onUsername: (username: string) => void
  readonly wait?: (milliseconds: number) => Promise<unknown>
}

/**
 * Signs up a random user and checks the token and the documents for verifiers, sends the same name again, and a body that
 * is not JSON; signs them in, rightly and wrongly, asks who they are, changes the password, and deletes them.
 * Reports each step, and rejects with the first that fails. No report or error holds the password or the
 * token.
 */
export async function runSmokeSteps({ url, key, say, onUsername, wait = sleep }: SmokeOptions) {
  const password = randomBytes(18).toString('base64url')
  const sign = (username: string) => send(url, { body: { username, password } })

  let username = ''
  let created = await signUp()
  // A 503 may have stored its own name, so each attempt has a new one.
  for (let waited = 0; created.status === 503 && created.retryAfter > 0; created = await signUp()) {
    waited += created.retryAfter
    if (waited > RESUME_SECONDS) break
    say(`waits  ${created.retryAfter} s, as a 503 ${created.code} asks`)
    await wait(created.retryAfter * 1000)
  }
  function signUp() {
    username = `Smoke-${randomBytes(6).toString('hex')}`
    onUsername(username)
    return sign(username)
  }
  expectResponse(created, 201)
  say('ok     a new user is signed up')

  const keys = { hmac: key, published: await readKeySet(url) }
  const isVerified = await checkToken(created.body['token'], username, keys)
  say(`ok     the token is theirs${isVerified ? '' : ', signature unchecked'}`)
  await checkDiscovery(url, String(created.body['token']))
  say('ok     verifiers find the public keys, where there are any')

  const otherCase = username.replace(/[a-z]/gi, (letter) =>
    letter < 'a' ? letter.toLowerCase() : letter.toUpperCase(),
  )
  expectResponse(await sign(otherCase), 400, 'username_taken')
  say('ok     the same name in another letter case is taken')

  expectResponse(await send(url, { body: '{"username":' }), 401, 'body_not_json')
  say('ok     a body that is not JSON is rejected')

  const signInUrl = new URL('sign-in', url).href
  const signedIn = await send(signInUrl, { body: { username: otherCase, password } })
  expectResponse(signedIn, 200)
  await checkToken(signedIn.body['token'], username, keys)
  say('ok     the user is signed in, under the name in another letter case')

  const wrong = { username, password: `not ${password}` }
  expectResponse(await send(signInUrl, { body: wrong }), 401, 'invalid_credentials')
  say('ok     a wrong password is rejected')

  const meUrl = new URL('me', url).href
  const me = await send(meUrl, { token: String(signedIn.body['token']) })
  expectResponse(me, 200, undefined, 'username')
  const { sub } = decodeJwt(String(signedIn.body['token']))
  const isThem = me.body['username'] === username && String(me.body['id']) === sub
  assert.ok(isThem, 'The user of the token is somebody else.')
  expectResponse(await send(meUrl, {}), 401, 'token_missing')
  say('ok     the token says who they are, and nothing without it')

  const token = String(signedIn.body['token'])
  const body = { currentPassword: password, newPassword: `${password}, changed` }
  const changed = await send(new URL('change-password', url).href, { body, token })
  expectResponse(changed, 200)
  await checkToken(changed.body['token'], username, keys)
  expectResponse(await send(meUrl, { token }), 401, 'token_invalid')
  say('ok     the password is changed, and ends the token from before')

  const deletion = { body: { password: body.newPassword }, token: String(changed.body['token']) }
  const { status, code } = await send(new URL('delete-account', url).href, deletion)
  assert.ok(status === 204, `Expected 204, got ${status} ${code}.`)
  const gone = await send(signInUrl, { body: { username, ...deletion.body } })
  expectResponse(gone, 401, 'invalid_credentials')
  say('ok     the user is deleted')
}

interface SmokeRequest {
  /** Sent as it stands if it is text, else as JSON; without one the method is GET. */
  readonly body?: string | object
  readonly token?: string
}

async function send(url: string, { body, token }: SmokeRequest) {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual', // A redirect would carry the password elsewhere.
    signal: AbortSignal.timeout(40_000), // The gateway's 30 s, and the network.
  }).catch((error: Error) => {
    const { code, message } = Object(error.cause ?? error)
    throw new Error(`${url} did not respond: ${code ?? message}.`)
  })
  const { status, headers } = response
  const json: unknown = await response.json().catch(() => undefined)
  const code = String(Object(json).code).slice(0, 60)
  const retryAfter = /^\d{1,4}$/.exec(headers.get('retry-after') ?? '') ?? '0'
  const parsed: Readonly<Record<string, unknown>> = Object(json)
  return { status, headers, code, retryAfter: Number(retryAfter), body: parsed }
}

type SmokeResponse = Awaited<ReturnType<typeof send>>

/** Messages hold status and code only: the rest of a response can be a token. */
function expectResponse(
  { status, headers, code, body }: SmokeResponse,
  wanted: number,
  wantedCode?: string,
  field = wantedCode === undefined ? 'token' : 'err',
  cacheControl = 'no-store',
) {
  const isRight = status === wanted && (wantedCode === undefined || code === wantedCode)
  assert.ok(isRight, `Expected ${[wanted, wantedCode].join(' ').trim()}, got ${status} ${code}.`)
  const wantedHeaders = { 'content-type': 'application/json', 'cache-control': cacheControl }
  for (const [name, value] of Object.entries(wantedHeaders)) {
    const found = headers.get(name)?.split(';')[0] ?? 'missing'
    assert.ok(found === value, `The ${name} of the ${status} must be ${value}, not ${found}.`)
  }
  const [type, what] = field === 'keys' ? ['object', 'list'] : ['string', 'text']
  assert.ok(typeof body[field] === type, `The ${status} has no ${what} in "${field}".`)
  if (status === 401) {
    assert.ok(headers.has('www-authenticate'), 'The 401 has no WWW-Authenticate.')
  }
}

const PUBLIC = `public, max-age=${DOCUMENT_MAX_AGE_SECONDS}`

/** The published keys, which are none with HS256. */
async function readKeySet(url: string): Promise<JWTVerifyGetKey> {
  const response = await send(new URL('../.well-known/jwks.json', url).href, {})
  expectResponse(response, 200, undefined, 'keys', PUBLIC)
  try {
    return createLocalJWKSet(Object(response.body))
  } catch {
    return assert.fail('The key set is malformed.')
  }
}

/** With RS256 the token's issuer is that of the discovery document; with HS256 there is none. */
async function checkDiscovery(url: string, token: string) {
  const response = await send(new URL('../.well-known/openid-configuration', url).href, {})
  if (decodeProtectedHeader(token).alg === 'HS256') {
    expectResponse(response, 404, 'discovery_unavailable')
    return
  }
  expectResponse(response, 200, undefined, 'issuer', PUBLIC)
  const isSame = response.body['issuer'] === decodeJwt(token).iss
  assert.ok(isSame, 'The issuer of discovery is not that of the token.')
}

interface VerificationKeys {
  readonly hmac: string | undefined
  readonly published: JWTVerifyGetKey
}

/** Resolves with whether the signature was checked, for which HS256 takes the key itself. */
async function checkToken(token: unknown, username: string, { hmac, published }: VerificationKeys) {
  const text = String(token)
  const decode = () => {
    try {
      return { header: decodeProtectedHeader(text), claims: decodeJwt(text) }
    } catch {
      return assert.fail('The token is not a JWT.')
    }
  }
  const { header, claims } = decode()
  const { alg = '', typ } = header
  const isOfService = /^[HR]S256$/.test(alg) && typ === 'JWT'
  assert.ok(isOfService, 'The token must be a JWT with HS256 or RS256.')
  const { id, username: name } = Object(claims['payload'])
  const isTheirs = Number.isSafeInteger(id) && name === username
  assert.ok(isTheirs, 'The claim "payload" must be {username, id}.')
  assert.ok(claims.sub === String(id), 'The claim "sub" must be the id.')
  const { iat = Number.NaN, exp = Number.NaN } = claims
  const now = Date.now() / 1000
  assert.ok(Math.abs(now - iat) <= 300, 'The claim "iat" must be the present.')
  assert.ok(exp > iat && exp > now, 'The claim "exp" must be in the future.')
  if (alg === 'HS256' && hmac === undefined) return false
  const options = { algorithms: [alg], clockTolerance: 300 }
  const verified =
    alg === 'HS256'
      ? jwtVerify(text, Buffer.from(hmac ?? ''), options)
      : jwtVerify(text, published, options)
  await verified.catch(() =>
    assert.fail("The token's signature does not verify with the stage's key."),
  )
  return true
}

/** Runs the steps on a stage, and removes what they stored as the master, also if a step fails. */
async function smokeStage(stage: string, region: string, url: string | undefined): Promise<void> {
  const outputs = await readStackOutputs(stage, region)
  const key = await readSecret(new SecretsManagerClient({ region }), outputs.jwtSecretArn)
  const database = await openStageDatabase(outputs, region)
  const usernames: string[] = []
  const onUsername = (username: string) => usernames.push(username)
  try {
    await runSmokeSteps({ url: url ?? outputs.signUpUrl, key, say, onUsername })
  } finally {
    for (const username of usernames) {
      const sql = 'DELETE FROM users WHERE lower(username) = lower(:username)'
      await retryWhileResuming(() => database.execute(sql, { username }), { say })
      say(`ok     removed: ${username}`)
    }
  }
}

function parse(args: string[]) {
  const { url, stage, region } = parseArgs({
    args,
    options: {
      url: { type: 'string' },
      ...STAGE_OPTIONS,
    },
  }).values
  if (!url && !stage) throw new TypeError('--url or --stage is missing.')
  const parsed = url ? URL.parse(url) : undefined
  if (url && !/^https?:$/.test(parsed?.protocol ?? ''))
    throw new TypeError(`--url is no URL: ${url}`)
  // A host alone means the endpoint on it.
  if (parsed?.pathname === '/') parsed.pathname = '/auth/sign-up'
  return { url: parsed?.href, stage, region }
}

async function run({ url = '', stage, region }: ReturnType<typeof parse>): Promise<void> {
  const onUsername = (name: string) =>
    say(`note   the user ${name} stays if a step fails: only --stage removes them then`)
  if (stage) await smokeStage(stage, region, url || undefined)
  else await runSmokeSteps({ url, say, onUsername })
  say('The endpoint keeps the contract.')
}

if (import.meta.main) {
  await runProgram({ usage: USAGE, failure: 'The smoke test failed', parse, run })
}
