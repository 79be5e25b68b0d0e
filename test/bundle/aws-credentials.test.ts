import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleFunction } from '../support/bundled-function.ts'
import { environment, readEvent } from '../support/handler.ts'
import { serveHttp } from '../support/http-endpoint.ts'

const SIGN_UP = readEvent('sign-up')
const ROW = [[{ longValue: 7 }, { stringValue: 'gary' }]]

const { run } = await bundleFunction()

const json = (value: unknown) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

/** A Data API that stores every user, and an environment without credentials. */
async function serveDataApi(t: Parameters<typeof serveHttp>[0]) {
  const { url, requests } = await serveHttp(t, () => json({ records: ROW }))
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...env } = environment(url)
  return { env, requests }
}

test("the bundle calls the Data API as AWS's SDK, with the credentials of the environment", async (t) => {
  const { env, requests } = await serveDataApi(t)
  const keys = { AWS_ACCESS_KEY_ID: 'KEYOFENV', AWS_SECRET_ACCESS_KEY: 'secret' }
  const credentials = { ...keys, AWS_SESSION_TOKEN: 'token of the environment' }
  const { statusCodes } = await run({ ...env, ...credentials }, [SIGN_UP])
  assert.deepEqual(statusCodes, ['201'])
  const headers = requests[0]?.headers ?? {}
  assert.match(
    String(headers['authorization']),
    /^AWS4-HMAC-SHA256 Credential=KEYOFENV\/\d+\/eu-central-1\/rds-data\/.*x-amz-security-token/,
  )
  assert.equal(headers['x-amz-security-token'], 'token of the environment')
  assert.match(String(headers['user-agent']), /^aws-sdk-js\/3.* api\/rds-data#3/)
})

test("the bundle takes the credentials of a container's endpoint, once for all requests", async (t) => {
  const { env, requests } = await serveDataApi(t)
  const Expiration = new Date(Date.now() + 3_600_000).toISOString()
  const keys = { AccessKeyId: 'KEYOFCONTAINER', SecretAccessKey: 'secret', Expiration }
  const container = await serveHttp(t, () => json({ ...keys, Token: 'token of the container' }))
  const credentials = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'let me in',
  }
  const { statusCodes } = await run({ ...env, ...credentials }, [SIGN_UP, SIGN_UP])
  assert.deepEqual(statusCodes, ['201', '201'])
  assert.deepEqual(
    container.requests.map(({ path, headers }) => [path, headers['authorization']]),
    [['/credentials', 'let me in']],
  )
  for (const { headers } of requests) {
    assert.match(String(headers['authorization']), /Credential=KEYOFCONTAINER\//)
    assert.equal(headers['x-amz-security-token'], 'token of the container')
  }
})

test('without credentials the bundle makes no call, and the log names the error', async (t) => {
  const { env, requests } = await serveDataApi(t)
  const noSources = {
    // Neither a developer's own profiles nor the instance metadata service, whose time-out takes a second.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const { statusCodes, stderr } = await run({ ...env, ...noSources }, [SIGN_UP])
  assert.deepEqual(statusCodes, ['500'])
  assert.equal(requests.length, 0)
  assert.match(stderr, /"error":"CredentialsProviderError"/)
})
