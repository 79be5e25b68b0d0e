import assert from 'node:assert/strict'
import { beforeEach, type TestContext, test } from 'node:test'
import { serveHttp } from '../testing/http-endpoint.ts'
import { json } from '../testing/sdk-endpoint.ts'
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

const ANSWER = { AccessKeyId: 'key', SecretAccessKey: 'secret', Token: 'token', Expiration: '2026' }

for (const { what, status, body } of [
  { what: 'an error', status: 500, body: ANSWER },
  { what: 'no JSON', status: 200, body: '<html>' },
  ...Object.keys(ANSWER).map((name) => ({
    what: `an answer without ${name}`,
    status: 200,
    body: { ...ANSWER, [name]: undefined },
  })),
]) {
  test(`${what} of the endpoint is no credential`, async (t) => {
    const { url, requests } = await serveHttp(t, () => json(status, body))
    process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = url
    await assert.rejects(lambdaCredentials()(), {
      name: 'CredentialsProviderError',
      message: 'AWS_CONTAINER_CREDENTIALS_FULL_URI gave no credentials.',
    })
    assert.equal(requests.length, 1)
  })
}

test('an endpoint that cannot be reached is no credential, and its error says why', async () => {
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
  test(`${uri} is ${asked ? 'asked' : 'not sent the token of the environment'}`, async () => {
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
