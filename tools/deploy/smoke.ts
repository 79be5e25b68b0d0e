import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { readSecret } from '../../lib/secrets.ts'
import type { Database } from './data-api-database.ts'
import { retryWhileResuming } from './resuming.ts'
import { openStageDatabase, readStackOutputs } from './stage.ts'

const USAGE = `Tries the sign-up contract on a deployed endpoint.

  npm run smoke -- --url U                  signs up a random user, who stays
  npm run smoke -- --stage S [--region R]   also checks the token's signature, and removes the user

  --url U      the endpoint; with --stage it may be left out, and is then the stage's own
  --stage S    a deployed stage, such as dev; needs AWS credentials
  --region R   where the stage is (default: eu-central-1)
`

/** How long a paused database is waited for. A resume takes some 15 s, after a day's pause 30 s or more. */
const RESUME_MILLISECONDS = 120_000
/** An HTTP API gives its function 30 s; the rest is for the network. */
const RESPONSE_MILLISECONDS = 40_000
const CLOCK_SKEW_SECONDS = 300

/** What the steps work with. Tests replace the last two. */
export interface SmokeOptions {
  /** The endpoint with its path. */
  readonly url: string
  /** The key of the tokens; without it their signature is not checked. */
  readonly key?: string | undefined
  readonly say: (line: string) => void
  /** Called with each name before it is sent, so that the user can be removed whatever the response. */
  readonly onUsername: (username: string) => void
  readonly wait?: (milliseconds: number) => Promise<unknown>
  readonly responseMilliseconds?: number
}

/** A response; `body` is `undefined` if it is not JSON. */
interface SmokeResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/**
 * Signs up a random user and checks the token, sends the same name again, and a body that is not JSON.
 * Reports each step with its time, and rejects with the first that fails. Neither password nor token is
 * in a report or an error.
 */
export async function runSmokeSteps(options: SmokeOptions): Promise<void> {
  const { key, say } = options
  const password = randomBytes(18).toString('base64url')
  const { username, token } = await step(say, 'a new user: 201', async () => {
    const { username, response } = await signUpOnceResumed(options, password)
    assert.ok(response.status === 201, `Expected 201, got ${describe(response)}.`)
    expectJson(response)
    const token = property(response.body, 'token')
    assert.ok(typeof token === 'string', 'The 201 has no text in "token".')
    return { username, token }
  })
  await step(say, `the token is theirs${key === undefined ? ', signature unchecked' : ''}`, () =>
    checkToken(token, username, key),
  )
  await step(say, 'the same name in another letter case: 400', async () => {
    const other = username.replace(/[a-z]/gi, (letter) =>
      letter < 'a' ? letter.toLowerCase() : letter.toUpperCase(),
    )
    expectRefusal(
      await post(options, JSON.stringify({ username: other, password })),
      400,
      'username_taken',
    )
  })
  await step(say, 'a body that is not JSON: 401', async () => {
    const response = await post(options, '{"username":')
    expectRefusal(response, 401, 'body_not_json')
    assert.ok(response.headers.has('www-authenticate'), 'The 401 has no WWW-Authenticate.')
  })
}

async function step<T>(say: SmokeOptions['say'], name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const report = (outcome: string) =>
    say(`${outcome} ${String(Math.round(performance.now() - start)).padStart(6)} ms  ${name}`)
  try {
    const result = await work()
    report('ok    ')
    return result
  } catch (error) {
    report('FAILED')
    throw error
  }
}

/** Signs up until the response asks for no wait. Each has a new name: a 503 may have stored its own. */
async function signUpOnceResumed(options: SmokeOptions, password: string) {
  for (let waited = 0; ; ) {
    const username = `Smoke-${randomBytes(6).toString('hex')}`
    options.onUsername(username)
    const response = await post(options, JSON.stringify({ username, password }))
    const seconds = /^\d{1,4}$/.exec(response.headers.get('retry-after') ?? '')?.[0]
    const pause = Number(seconds) * 1000
    if (response.status !== 503 || !seconds || waited + pause > RESUME_MILLISECONDS) {
      return { username, response }
    }
    options.say(`waits  ${seconds} s, as a ${describe(response)} asks`)
    await (options.wait ?? sleep)(pause)
    waited += pause
  }
}

async function post(
  { url, responseMilliseconds = RESPONSE_MILLISECONDS }: SmokeOptions,
  body: string,
): Promise<SmokeResponse> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual', // A redirect would carry the password elsewhere.
      signal: AbortSignal.timeout(responseMilliseconds),
    })
    const { status, headers } = response
    return { status, headers, body: parseJson(await response.text()) }
  } catch (error) {
    const timedOut = property(error, 'name') === 'TimeoutError'
    const cause = property(error, 'cause')
    const reason = timedOut
      ? `${responseMilliseconds / 1000} s passed`
      : (property(cause, 'code') ?? property(cause, 'message') ?? 'the request failed')
    throw new Error(`${url} did not respond: ${reason}.`)
  }
}

/** Status and code. The rest of a response can be a token. */
function describe({ status, body }: SmokeResponse): string {
  const code = property(body, 'code')
  return typeof code === 'string' ? `${status} ${code.slice(0, 60)}` : String(status)
}

function expectJson({ status, headers, body }: SmokeResponse): void {
  const type = headers.get('content-type') ?? 'missing'
  const isJson = body !== undefined && type.split(';')[0] === 'application/json'
  assert.ok(isJson, `The ${status} must be JSON and say so; its content-type is ${type}.`)
  const caching = headers.get('cache-control') ?? 'missing'
  assert.ok(
    caching === 'no-store',
    `The ${status}'s cache-control must be no-store, not ${caching}.`,
  )
}

function expectRefusal(response: SmokeResponse, status: number, code: string): void {
  const right = response.status === status && property(response.body, 'code') === code
  assert.ok(right, `Expected ${status} ${code}, got ${describe(response)}.`)
  assert.ok(
    typeof property(response.body, 'err') === 'string',
    `The ${status} has no text in "err".`,
  )
  expectJson(response)
}

async function checkToken(token: string, username: string, key: string | undefined): Promise<void> {
  const { header, claims } = decode(token)
  assert.ok(
    header.alg === 'HS256' && header.typ === 'JWT',
    `The token's header must be HS256 and JWT, not ${JSON.stringify(header)}.`,
  )
  const id = property(claims['payload'], 'id')
  assert.ok(
    Number.isSafeInteger(id) && property(claims['payload'], 'username') === username,
    `The token's claim "payload" must be the name as sent, ${username}, and a whole number as id.`,
  )
  assert.ok(claims.sub === String(id), 'The token\'s claim "sub" must be the id as a string.')
  const { iat = Number.NaN, exp = Number.NaN } = claims
  const now = Date.now() / 1000
  const isNow = Math.abs(now - iat) <= CLOCK_SKEW_SECONDS
  assert.ok(isNow, `The token's claim "iat" must be the present, ${now.toFixed(0)}, not ${iat}.`)
  assert.ok(exp > iat && exp > now, `The token's claim "exp" must be in the future, not ${exp}.`)
  if (key === undefined) return
  const options = { algorithms: ['HS256'], clockTolerance: CLOCK_SKEW_SECONDS }
  await jwtVerify(token, Buffer.from(key), options).catch((error: unknown) => {
    const code = property(error, 'code') ?? 'unknown'
    throw new Error(`The token's signature does not verify with the stage's key (${code}).`)
  })
}

function decode(token: string) {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) }
  } catch {
    throw new Error('The token is not a JWT.')
  }
}

const property = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Removes users by name, as the master: the function's own role may not delete. Safe to repeat. */
export async function removeUsers(
  database: Pick<Database, 'execute'>,
  usernames: readonly string[],
  say: SmokeOptions['say'],
): Promise<void> {
  const sql = 'DELETE FROM users WHERE lower(username) = lower(:username)'
  for (const username of usernames) {
    await retryWhileResuming(() => database.execute(sql, { username }), { say })
  }
}

/** Runs the steps on a stage, and removes what they stored, also if a step fails. */
async function smokeStage(stage: string, region: string, url: string | undefined): Promise<void> {
  const outputs = await readStackOutputs(stage, region)
  const key = await readSecret(new SecretsManagerClient({ region }), outputs.jwtSecretArn)
  const database = openStageDatabase(outputs, region)
  const usernames: string[] = []
  const onUsername = (username: string) => usernames.push(username)
  const failures: string[] = []
  const attempt = (work: Promise<void>) =>
    work.catch((error: unknown) => failures.push(messageOf(error)))
  await attempt(runSmokeSteps({ url: url ?? outputs.signUpUrl, key, say, onUsername }))
  await attempt(
    step(say, `removed: ${usernames.join(', ')}`, () => removeUsers(database, usernames, say)),
  )
  if (failures.length > 0) throw new Error(failures.join(' Nor could the user be removed: '))
}

const say = (line: string) => process.stdout.write(`${line}\n`)

function messageOf(error: unknown): string {
  // A SyntaxError quotes what could not be parsed, which may be the response that holds the key.
  if (error instanceof SyntaxError) return 'AWS sent a response that is not JSON.'
  return error instanceof Error ? error.message || error.name : String(error)
}

function parseArguments(args: string[]) {
  const { url, stage, region } = parseArgs({
    args,
    options: {
      url: { type: 'string' },
      stage: { type: 'string' },
      region: { type: 'string', default: 'eu-central-1' }, // As in serverless.yml.
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

async function main(args: string[]): Promise<0 | 1 | 2> {
  let parsed: ReturnType<typeof parseArguments>
  try {
    parsed = parseArguments(args)
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${USAGE}`)
    return 2
  }
  const { url, stage, region } = parsed
  try {
    if (stage) await smokeStage(stage, region, url)
    else if (url) {
      const onUsername = (name: string) =>
        say(`note   the user ${name} stays: only --stage removes them`)
      await runSmokeSteps({ url, say, onUsername })
    }
    say('The endpoint keeps the contract.')
    return 0
  } catch (error) {
    process.stderr.write(`The smoke test failed: ${messageOf(error)}\n`)
    return 1
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
