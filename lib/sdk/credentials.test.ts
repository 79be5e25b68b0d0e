import assert from 'node:assert/strict'
import { beforeEach, type TestContext, test } from 'node:test'
import { serveHttp } from '../testing/http-endpoint.ts'
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

test('credentials of the environment come with token and account', async () => {
  Object.assign(process.env, { ...KEY, AWS_SESSION_TOKEN: 'token', AWS_ACCOUNT_ID: '000000000000' })
  const { accessKeyId, secretAccessKey, sessionToken, accountId } = await lambdaCredentials()()
  assert.deepEqual(
    [accessKeyId, secretAccessKey, sessionToken, accountId],
    ['key', 'secret', 'token', '000000000000'],
  )
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

test("a path is one of the container's endpoint", async (t) => {
  const { url, requests } = await serveCredentials(t, 2 * FIVE_MINUTES)
  // What is put behind the endpoint's address, which makes that a user's name at loopback.
  process.env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] = `@${new URL(url).host}/credentials`
  assert.equal((await lambdaCredentials()()).accessKeyId, 'key 1')
  assert.equal(requests[0]?.path, '/credentials')
})

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
      tryNextLink: false,
    })
  })
}
