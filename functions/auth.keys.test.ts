import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  jwtVerify,
  SignJWT,
} from 'jose'
import { readConfig } from '../lib/config.ts'
import { serveDatabase } from '../test/support/database.ts'
import {
  bodyOf,
  environment,
  eventWith,
  readEvent,
  sender,
  signingKey,
  withToken,
} from '../test/support/handler.ts'
import { serveHttp } from '../test/support/http-endpoint.ts'
import { assertDocumented } from '../test/support/openapi.ts'
import { openMigratedPglite } from '../test/support/pglite.ts'
import { createSecret, secretAction, serveSecret } from '../test/support/secret-endpoint.ts'
import { captureStderr } from '../test/support/stderr.ts'
import { rotateKey } from '../tools/deploy/rotate-key.ts'
import {
  fitSigningKey,
  openSigningSecret,
  retireFormerKey,
} from '../tools/deploy/signing-secret.ts'
import { newSigningKey } from '../tools/new-signing-key.ts'
import { createHandler } from './auth.ts'

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())

const ISSUER = 'https://id.example'
const AUDIENCE = 'dev'
const PASSWORD = 'correct horse battery'

/** Serves a secret as Secrets Manager does, until the tests of this file end. */
async function openSecret(text: string) {
  const stored = createSecret(text)
  const { url, actions, client } = await serveSecret({ after }, stored)
  return { stored, url, actions, secret: openSigningSecret(client, 'arn:jwt') }
}

/** Starts the function as a new process does, with a separate key ring, and with cheap hashes. */
async function startProcess(variables: Readonly<Record<string, string>>) {
  const { JWT_SECRET: _, ...env } = environment(database.url)
  const settings = { ...env, JWT_SECRET_ARN: 'arn:jwt', ...variables }
  // The SDK reads its endpoints from process.env.
  Object.assign(process.env, settings)
  const config = { ...readConfig(settings), bcryptCost: 4 }
  const send = sender(createHandler(() => config))
  const respond = async (event: Parameters<typeof send>[0]) => {
    const response = await send(event)
    assertDocumented(response, event.routeKey)
    return { ...response, body: bodyOf(response) }
  }
  const tokenOf = async (name: string, route: 'sign-up' | 'sign-in') => {
    const { statusCode, body } = await respond(
      eventWith({ username: name, password: PASSWORD }, route),
    )
    assert.equal(statusCode, route === 'sign-up' ? 201 : 200)
    return String(body['token'])
  }
  return {
    respond,
    signUp: (name: string) => tokenOf(name, 'sign-up'),
    signIn: (name: string) => tokenOf(name, 'sign-in'),
    me: async (token: string) => (await respond(withToken(readEvent('me'), token))).statusCode,
    async keySet(): Promise<JSONWebKeySet> {
      const { statusCode, body } = await respond(readEvent('jwks'))
      assert.equal(statusCode, 200)
      return Object(body)
    },
  }
}

const rs256 = (url: string) => ({
  AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
  JWT_ALGORITHM: 'RS256',
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
})

const verifyWith = (set: JSONWebKeySet, token: string) =>
  jwtVerify(token, createLocalJWKSet(set), { issuer: ISSUER, audience: AUDIENCE })

test('a token verifies with the key set alone, which has only the current public key', async () => {
  const { stored, url } = await openSecret(newSigningKey('RS256'))
  const { respond, signUp, me, keySet } = await startProcess(rs256(url))
  const token = await signUp('Public')
  const { payload } = await verifyWith(await keySet(), token)
  assert.equal(payload['preferred_username'], 'Public')
  assert.equal(await me(token), 200)

  const set = await respond(readEvent('jwks'))
  assert.equal(set.headers?.['cache-control'], 'public, max-age=300')
  const { keys } = Object(set.body)
  assert.deepEqual(keys, [signingKey(stored.labels()['AWSCURRENT']).publicJwk])

  const discovery = await respond(readEvent('openid-configuration'))
  assert.equal(discovery.headers?.['cache-control'], 'public, max-age=300')
  const { issuer, jwks_uri } = Object(discovery.body)
  assert.deepEqual([issuer, jwks_uri], [ISSUER, `${ISSUER}/.well-known/jwks.json`])
})

test('the documents make no call to the database, and the key set one read of each version', async () => {
  const { url, actions } = await openSecret(newSigningKey('RS256'))
  const { respond } = await startProcess(rs256(url))
  database.planFaults('access-denied')
  for (let time = 0; time < 3; time += 1) {
    for (const name of ['jwks', 'openid-configuration']) {
      assert.equal((await respond(readEvent(name))).statusCode, 200)
    }
  }
  assert.equal(actions.length, 3)
  // The planned fault is still there for the next call to the database.
  const { statusCode } = await respond(eventWith({ username: 'Failed', password: PASSWORD }))
  assert.equal(statusCode, 500)
})

test('a cold key set has every read of its secret under way at once', async (t) => {
  const stored = createSecret(newSigningKey('RS256'))
  const all = Promise.withResolvers<void>()
  let arrived = 0
  const { url } = await serveHttp(t, async (request) => {
    arrived += 1
    if (arrived === 3) all.resolve()
    await all.promise
    return stored.handle(secretAction(request), JSON.parse(request.body))
  })
  const { keySet } = await startProcess(rs256(url))
  assert.equal((await keySet()).keys.length, 1)
  assert.equal(arrived, 3)
})

test('a key that looks public goes on signing, with one warning per process', async (t) => {
  const { url } = await openSecret('https://id.example/.well-known/jwks.json')
  const { respond, signUp, me } = await startProcess({ AWS_ENDPOINT_URL_SECRETS_MANAGER: url })
  const output = captureStderr(t)
  const token = await signUp('Warned')
  for (let time = 0; time < 2; time += 1) assert.equal(await me(token), 200)
  assert.equal((await respond(readEvent('jwks'))).statusCode, 200)
  const [line = '', ...others] = output().trim().split('\n')
  assert.deepEqual(others, [])
  assert.partialDeepStrictEqual(JSON.parse(line), { level: 'WARN', code: 'key_looks_public' })
  assert.doesNotMatch(line, /id\.example/)
})

test("a token of another key is rejected, with the current key's id or an unknown one", async () => {
  const { url, actions } = await openSecret(newSigningKey('RS256'))
  const { signUp, me } = await startProcess(rs256(url))
  const token = await signUp('Target')
  const { kid = '' } = decodeProtectedHeader(token)
  const otherKey = signingKey(newSigningKey('RS256'))
  for (const header of [{ kid }, { kid: 'unknown', jwk: { ...otherKey.publicJwk } }]) {
    const forged = new SignJWT({ sub: '1' })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...header })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime('1h')
    for (let time = 0; time < 4; time += 1)
      assert.equal(await me(await forged.sign(otherKey.sign)), 401)
  }
  assert.equal(await me(token), 200)
  // For any number of them, the secret is read again once per 10 s.
  assert.ok(actions.length <= 1 + 3 + 3, `${actions.length}`)
})

test('with HS256 the set is empty, and there is no discovery', async () => {
  const { url } = await openSecret(newSigningKey('HS256'))
  const { respond, keySet } = await startProcess({ AWS_ENDPOINT_URL_SECRETS_MANAGER: url })
  assert.deepEqual(await keySet(), { keys: [] })
  const { statusCode, headers, body } = await respond(readEvent('openid-configuration'))
  assert.deepEqual([statusCode, body['code']], [404, 'discovery_unavailable'])
  assert.equal(headers?.['cache-control'], 'no-store')
})

test('a function with RS256 signs nothing until there is an RSA key', async () => {
  const { stored, url, secret } = await openSecret(newSigningKey('HS256'))
  const { respond, signUp } = await startProcess(rs256(url))
  for (const event of [eventWith({ username: 'Early', password: PASSWORD }), readEvent('jwks')]) {
    assert.equal((await respond(event)).statusCode, 500)
  }
  await fitSigningKey(secret, { deployed: 'RS256', wanted: 'RS256' })
  const { kid } = decodeProtectedHeader(await signUp('Early'))
  assert.equal(kid, signingKey(stored.labels()['AWSCURRENT']).publicJwk?.kid)
})

test('a stage moves to RS256 while old and new code run, and no token of either is rejected', async (t) => {
  const output = captureStderr(t)
  const { url, secret } = await openSecret(newSigningKey('HS256'))
  const before = await startProcess({ AWS_ENDPOINT_URL_SECRETS_MANAGER: url })
  const old = await before.signUp('Mover')
  await fitSigningKey(secret, { deployed: 'HS256', wanted: 'RS256' })

  const after = await startProcess(rs256(url))
  const renewed = await after.signIn('Mover')
  assert.equal(decodeProtectedHeader(renewed).alg, 'RS256')
  for (const { me } of [before, after]) {
    assert.deepEqual([await me(old), await me(renewed)], [200, 200])
  }
  await fitSigningKey(secret, { deployed: 'RS256', wanted: 'RS256' })
  const later = await startProcess(rs256(url))
  assert.deepEqual([await later.me(old), await later.me(renewed)], [200, 200])
  await verifyWith(await later.keySet(), renewed)
  await assert.rejects(verifyWith(await later.keySet(), old), errors.JOSEError)

  // The former key verifies until its last token has expired.
  const life = { algorithm: 'RS256', tokenSeconds: 3600 } as const
  const changedAt = (await secret.versions()).changedAt?.getTime() ?? 0
  for (const [seconds, status] of [
    [4199, 200],
    [4201, 401],
  ] as const) {
    await retireFormerKey(secret, life, { now: changedAt + seconds * 1000 })
    const { me } = await startProcess(rs256(url))
    assert.deepEqual([await me(old), await me(renewed)], [status, 200])
  }
  // Each of the three processes that hold it warned once.
  const codes = output().match(/(?<="code":")\w+/g)
  assert.deepEqual(codes, Array(3).fill('key_of_former_algorithm'))
})

/** Waits for the background reads of the secret, which take no time on the mocked clock. */
async function endOfReads(actions: readonly string[]): Promise<void> {
  for (let seen = -1, quiet = 0; quiet < 3; quiet += 1) {
    if (actions.length !== seen) quiet = 0
    seen = actions.length
    await sleep(5)
  }
}

/** Rotates the key while two processes serve requests. Tokens are tried when they are signed and until they expire. */
async function rotateUnderLoad(t: TestContext, algorithm: 'HS256' | 'RS256') {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const { stored, url, actions, secret } = await openSecret(newSigningKey(algorithm))
  const first = stored.labels()['AWSCURRENT']
  const settings = algorithm === 'RS256' ? rs256(url) : { AWS_ENDPOINT_URL_SECRETS_MANAGER: url }
  const processes = [await startProcess(settings), await startProcess(settings)]
  const name = `Rotated-${algorithm}`
  const tokens = [{ token: await processes[0]?.signUp(name), at: Date.now() }]
  const sets: { readonly set: JSONWebKeySet; readonly at: number }[] = []

  async function tryTokens(step: number) {
    const [signer, other] = step % 4 === 0 ? processes : processes.toReversed()
    assert.ok(signer && other)
    if (step % 16 === 0) tokens.push({ token: await signer.signIn(name), at: Date.now() })
    // Like a verifier that caches keys for two hours and got them from a cache of five minutes.
    if (algorithm === 'RS256') sets.push({ set: await other.keySet(), at: Date.now() })
    const { set } = sets.find(({ at }) => at >= Date.now() - 7_500_000) ?? {}
    const oldest = tokens.find(({ at }) => at >= Date.now() - 3_540_000)
    for (const { token = '' } of [oldest ?? {}, tokens.at(-1) ?? {}]) {
      assert.equal(await other.me(token), 200, `step ${step}`)
      if (set) await verifyWith(set, token)
    }
  }

  // The keys of a verifier that fetched them just before the rotation.
  await tryTokens(0)
  let step = 0
  await rotateKey({
    secret,
    algorithm,
    tokenSeconds: 3600,
    say: () => {},
    async wait(milliseconds) {
      // Every other minute; a process caches its keys for five.
      if (step % 2 === 0) {
        await tryTokens(step)
        await endOfReads(actions)
      }
      step += 1
      t.mock.timers.setTime(Date.now() + milliseconds)
    },
  })
  assert.notEqual(stored.labels()['AWSCURRENT'], first)
  t.mock.timers.setTime(Date.now() + 600_000)
  await tryTokens(step)
  const { keys = [] } = (await processes[0]?.keySet()) ?? {}
  assert.equal(keys.length, algorithm === 'RS256' ? 1 : 0)
  return step
}

for (const algorithm of ['RS256', 'HS256'] as const) {
  test(`a rotation with ${algorithm} fails no request, and no verifier that caches keys`, async (t) => {
    const steps = await rotateUnderLoad(t, algorithm)
    assert.ok(steps > 60, `${steps}`)
  })
}
