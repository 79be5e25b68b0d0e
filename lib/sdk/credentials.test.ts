import assert from 'node:assert/strict'
import { beforeEach, type TestContext, test } from 'node:test'
import { type HttpAnswer, serveHttp } from '../../test/support/http-endpoint.ts'
import { json } from '../../test/support/sdk-endpoint.ts'
import { skipPauses } from '../../test/support/skip-pauses.ts'
import { lambdaCredentials } from './credentials.ts'

const KEY = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' }
const FIVE_MINUTES = 300_000

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^AWS_/.test(name)) delete process.env[name]
  }
})

/** Serves, until the test ends, credentials that end that long from now on: `key 1`, `key 2` and so on. */
async function serveCredentials(t: TestContext, milliseconds: number) {
  const { url, requests } = await serveHttp(t, () => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      AccessKeyId: `key ${requests.length}`,
      SecretAccessKey: 'secret',
      Token: 'token',
      Expiration: new Date(Date.now() + milliseconds).toISOString(),
    }),
  }))
  return { url, requests }
}

test('credentials of the environment come with their token, if there is one', async () => {
  for (const [token, sessionToken] of [
    ['token', 'token'],
    ['', undefined],
  ]) {
    Object.assign(process.env, { ...KEY, AWS_SESSION_TOKEN: token })
    const expected = { accessKeyId: 'key', secretAccessKey: 'secret', sessionToken }
    assert.deepEqual(await lambdaCredentials()(), expected)
  }
})

test('credentials without an end are read once', async () => {
  Object.assign(process.env, KEY)
  const credentials = lambdaCredentials()
  await credentials()
  process.env['AWS_ACCESS_KEY_ID'] = 'another key'
  assert.equal((await credentials()).accessKeyId, 'key')
})

test('credentials of the environment go before those of an endpoint', async (t) => {
  const { url, requests } = await serveCredentials(t, FIVE_MINUTES)
  Object.assign(process.env, { ...KEY, AWS_CONTAINER_CREDENTIALS_FULL_URI: url })
  assert.equal((await lambdaCredentials()()).accessKeyId, 'key')
  assert.equal(requests.length, 0)
})

test('credentials of an endpoint are read again when they end within five minutes', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 })
  const { url } = await serveCredentials(t, FIVE_MINUTES + 60_000)
  process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = url
  const credentials = lambdaCredentials()
  const keys: string[] = []
  for (const milliseconds of [0, 60_000, 1]) {
    t.mock.timers.tick(milliseconds)
    keys.push((await credentials()).accessKeyId)
  }
  assert.deepEqual(keys, ['key 1', 'key 1', 'key 2'])
})

test('the endpoint is asked for its path, with the token of the environment if there is one', async (t) => {
  const { url, requests } = await serveCredentials(t, 2 * FIVE_MINUTES)
  process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${url}/credentials?of=me`
  for (const token of ['let me in', '']) {
    process.env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] = token
    await lambdaCredentials()()
  }
  assert.deepEqual(
    requests.map(({ method, path, headers }) => [method, path, headers['authorization']]),
    [
      ['GET', '/credentials?of=me', 'let me in'],
      ['GET', '/credentials?of=me', undefined],
    ],
  )
})

test('calls at once share one read of the endpoint', async (t) => {
  const { url, requests } = await serveCredentials(t, 2 * FIVE_MINUTES)
  process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = url
  const credentials = lambdaCredentials()
  const [first, second] = await Promise.all([credentials(), credentials()])
  assert.equal(first, second)
  assert.equal(requests.length, 1)
})

const ANSWER = {
  AccessKeyId: 'key',
  SecretAccessKey: 'secret',
  Token: 'token',
  Expiration: '2026-01-01T00:00:00Z',
}
const FAILURE = json(500, {})

/** Serves those answers in turns, and says which pauses the reader makes between two. */
async function serveInTurns(t: TestContext, answers: readonly HttpAnswer[]) {
  const { url, requests } = await serveHttp(t, () => answers[requests.length - 1] ?? FAILURE)
  process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = url
  return { requests, pauses: skipPauses(t) }
}

for (const { what, answer } of [
  { what: 'an error', answer: FAILURE },
  { what: 'no JSON', answer: json(200, '<html>') },
  ...Object.keys(ANSWER).map((name) => ({
    what: `an answer without ${name}`,
    answer: json(200, { ...ANSWER, [name]: undefined }),
  })),
]) {
  test(`after ${what} the endpoint is asked again, and then given up`, async (t) => {
    const failures = [answer, answer, answer]
    const good = await serveInTurns(t, [...failures, json(200, ANSWER)])
    assert.equal((await lambdaCredentials()()).accessKeyId, 'key')
    assert.deepEqual(good.pauses, [1000, 1000, 1000])

    const bad = await serveInTurns(t, [...failures, answer, json(200, ANSWER)])
    await assert.rejects(lambdaCredentials()(), {
      name: 'CredentialsProviderError',
      message: 'AWS_CONTAINER_CREDENTIALS_FULL_URI gave no credentials.',
    })
    assert.equal(bad.requests.length, 4)
  })
}

test('credentials that are still good serve when no others can be had, and no longer', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse(ANSWER.Expiration) - FIVE_MINUTES + 1 })
  await serveInTurns(t, [json(200, ANSWER)])
  const credentials = lambdaCredentials()
  await credentials()
  assert.equal((await credentials()).accessKeyId, 'key')
  t.mock.timers.tick(FIVE_MINUTES - 1)
  assert.equal((await credentials()).accessKeyId, 'key')
  t.mock.timers.tick(1)
  await assert.rejects(credentials(), { name: 'CredentialsProviderError' })
})

test('an endpoint that cannot be reached is no credential, and its error says why', async (t) => {
  skipPauses(t)
  process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = 'http://127.0.0.1:9'
  await assert.rejects(lambdaCredentials()(), (error) => {
    assert.ok(error instanceof Error && error.name === 'CredentialsProviderError')
    assert.equal(Reflect.get(Object(error.cause), 'code'), 'ECONNREFUSED')
    return true
  })
})

for (const { uri, asked } of [
  { uri: 'http://127.0.0.1:9', asked: true },
  { uri: 'http://localhost:9', asked: true },
  { uri: 'http://[::1]:9', asked: true },
  { uri: 'https://127.0.0.1:9', asked: true },
  { uri: 'https://credentials.invalid:9', asked: true },
  { uri: 'http://credentials.invalid:9', asked: false },
  { uri: 'http://127.0.0.1.invalid:9', asked: false },
  { uri: 'http://not-localhost:9', asked: false },
  { uri: 'localhost', asked: false },
]) {
  test(`${uri} is ${asked ? 'asked' : 'not sent the token of the environment'}`, async (t) => {
    skipPauses(t)
    process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = uri
    await assert.rejects(lambdaCredentials()(), {
      message: asked ? /gave no credentials/ : /must be a URL of https, or of this machine/,
    })
  })
}

for (const { what, env } of [
  { what: 'nothing', env: {} },
  { what: 'a key without its secret', env: { AWS_ACCESS_KEY_ID: 'key' } },
  { what: 'a secret without its key', env: { AWS_SECRET_ACCESS_KEY: 'secret' } },
  { what: 'what is empty', env: { ...KEY, AWS_SECRET_ACCESS_KEY: '' } },
]) {
  test(`${what} is no credential, and the error says what would be one`, async () => {
    Object.assign(process.env, env)
    await assert.rejects(lambdaCredentials()(), {
      name: 'CredentialsProviderError',
      message:
        /: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_CONTAINER_CREDENTIALS_FULL_URI\.$/,
    })
  })
}
