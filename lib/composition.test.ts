import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { jwtVerify } from 'jose'
import { type ScriptedResponse, scriptDataApi } from '../test/support/data-api-script.ts'
import { environment, signingKey } from '../test/support/handler.ts'
import { signToken } from './adapters/tokens.ts'
import { compose, type Deps } from './composition.ts'
import { readConfig } from './config.ts'
import { startDeadline } from './faults/deadline.ts'
import type { Timings } from './http/timings.ts'

const FIRST = 'the first key, of more than 32 bytes'
const THIRD = 'the third key, of more than 32 bytes'
const SECOND = 'the second, of more than 32 bytes'

const secret = (SecretString: string): ScriptedResponse => ({ body: { SecretString } })
const ROTATED = [secret(FIRST), ...Array(200).fill(secret(SECOND))]

/** Creates the deps of a request to a service whose key is in a secret, refreshed after `refreshSeconds`. */
async function depsWithSecret(t: TestContext, refreshSeconds: number, responses = ROTATED) {
  const { url, requests } = await scriptDataApi(t, responses)
  const env = environment('http://127.0.0.1:9')
  Object.assign(process.env, env, { AWS_ENDPOINT_URL_SECRETS_MANAGER: url })
  const source = { secretArn: 'arn:jwt', refreshSeconds }
  const createDeps = compose({ ...readConfig(env), signingKey: source })
  return { requests, deps: createDeps(startDeadline(), {}) }
}

/** Returns whether the service now signs with the key. */
async function signsWith({ loadTokenSigner }: Deps, key = '') {
  const signToken = await loadTokenSigner()
  const token = await signToken({ id: 7, username: 'gary' })
  return jwtVerify(token, new TextEncoder().encode(key)).then(
    () => true,
    () => false,
  )
}

test('the key of the secret signs, and is read once', async (t) => {
  const { requests, deps } = await depsWithSecret(t, 3600)
  assert.ok(await signsWith(deps, FIRST))
  assert.ok(await signsWith(deps, FIRST))
  assert.equal(requests.length, 1)
})

test('a rotated key signs once it has been read', async (t) => {
  const { deps } = await depsWithSecret(t, 0)
  assert.ok(await signsWith(deps, FIRST))
  for (let tries = 0; !(await signsWith(deps, SECOND)); tries += 1) {
    assert.ok(tries < 100, 'The first key still signs.')
    await sleep(10)
  }
})

const tokenOf = async (secret: string) => {
  const key = signingKey(secret)
  return signToken({ id: 7, username: 'gary' }, key, { ttlSeconds: 60 })
}
const VALID = { ok: true, user: { id: 7, passwordVersion: 0 } }
const INVALID = { ok: false, reason: 'token_invalid' }
const NOT_FOUND: ScriptedResponse = { status: 400, body: { __type: 'ResourceNotFoundException' } }

test('a token of a newer key causes another read of the secret, even without a previous version', async (t) => {
  const { requests, deps } = await depsWithSecret(t, 3600, [
    secret(FIRST),
    secret(SECOND),
    NOT_FOUND,
    NOT_FOUND,
  ])
  assert.partialDeepStrictEqual(await deps.verifyToken(await tokenOf(FIRST)), VALID)
  assert.equal(requests.length, 1)
  assert.partialDeepStrictEqual(await deps.verifyToken(await tokenOf(SECOND)), VALID)
  assert.deepEqual(
    requests.map(({ body }) => Object(body).VersionStage),
    ['AWSCURRENT', 'AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'],
  )
  // Without a previous version, the first key is no longer valid. There is one such read per 10 s.
  assert.deepEqual(await deps.verifyToken(await tokenOf(FIRST)), INVALID)
  assert.equal(requests.length, 4)
})

test('a token of the previous version verifies, and so does one of the pending version', async (t) => {
  const responses = [SECOND, SECOND, THIRD, FIRST].map(secret)
  const { deps } = await depsWithSecret(t, 3600, responses)
  assert.partialDeepStrictEqual(await deps.verifyToken(await tokenOf(FIRST)), VALID)
  assert.partialDeepStrictEqual(await deps.verifyToken(await tokenOf(THIRD)), VALID)
  assert.ok(await signsWith(deps, SECOND))
})

test('a malformed token causes no further read', async (t) => {
  const { requests, deps } = await depsWithSecret(t, 3600)
  assert.deepEqual(await deps.verifyToken('x.y.z'), INVALID)
  assert.equal(requests.length, 1)
})

test('of a request whose last call runs out of time, the timings have the faults before it', async (t) => {
  const message = 'ERROR: leak arn:aws; SQLState: 53300'
  const full = { status: 400, errorType: 'DatabaseErrorException', body: { message } }
  const responses: ScriptedResponse[] = [
    full,
    { lost: true },
    full,
    ...Array(5).fill({ hangs: true }),
  ]
  const { url } = await scriptDataApi(t, responses)
  const env = environment(url)
  Object.assign(process.env, env)
  const timings: Timings = {}
  const { findAccountById } = compose(readConfig(env))(startDeadline(2500), timings)
  await assert.rejects(findAccountById(7), { name: 'TimeoutError' })
  const faults = ['DatabaseErrorException 53300', 'TimeoutError ECONNRESET']
  const others = timings.retriedFaults?.filter((fault) => fault !== 'TimeoutError')
  assert.deepEqual(others, faults)
  assert.ok((timings.databaseRetries ?? 0) >= 3)
})
