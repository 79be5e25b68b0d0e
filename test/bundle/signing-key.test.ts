import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jwtVerify } from 'jose'
import { signToken } from '../../lib/adapters/tokens.ts'
import { bundleFunction } from '../support/bundled-function.ts'
import { type ScriptedResponse, scriptDataApi } from '../support/data-api-script.ts'
import { environment, readEvent, signingKey, withToken } from '../support/handler.ts'

const KEY = 'the key that Secrets Manager keeps, of more than 32 bytes'
const SECRET: ScriptedResponse = { body: { SecretString: KEY } }
const DENIED: ScriptedResponse = {
  status: 400,
  body: { __type: 'AccessDeniedException', message: `arn:aws:secretsmanager ${KEY}` },
}
const SIGN_UP = readEvent('sign-up')

const { run } = await bundleFunction()

/** Returns the environment on AWS, with a scripted Secrets Manager and a scripted Data API. */
async function awsEnvironment(t: Parameters<typeof scriptDataApi>[0], secrets: ScriptedResponse[]) {
  const row = [[{ longValue: 7 }, { stringValue: 'gary' }]]
  const dataApi = await scriptDataApi(t, [{ body: { records: row } }, { body: { records: row } }])
  const secretsManager = await scriptDataApi(t, secrets)
  const { JWT_SECRET: _, ...env } = environment(dataApi.url)
  const variables = {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
    JWT_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:jwt',
  }
  return { dataApi, secretsManager, env: { ...env, ...variables } }
}

test('the key comes from the secret, which is read once for all requests', async (t) => {
  const { env, secretsManager } = await awsEnvironment(t, [SECRET])
  const { stdout, stderr } = await run(env, [SIGN_UP, SIGN_UP])
  assert.equal(stderr, '')
  assert.equal(secretsManager.requests.length, 1)
  const tokens = [...stdout.matchAll(/\\"token\\":\\"([\w.-]+)\\"/g)].map(([, token]) => token)
  assert.equal(tokens.length, 2)
  for (const token of tokens) await jwtVerify(token ?? '', new TextEncoder().encode(KEY))
})

test('the key is read at the start, and a failed read does not end the process', async (t) => {
  for (const response of [SECRET, DENIED]) {
    const { env, secretsManager } = await awsEnvironment(t, [response])
    const { status, stderr } = await run(env, [])
    assert.equal(secretsManager.requests.length, 1)
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  }
})

test('with a secret that cannot be read no user is stored, and the log names its variable', async (t) => {
  const { env, dataApi } = await awsEnvironment(t, [DENIED])
  const { stdout, stderr, statusCodes } = await run(env, [SIGN_UP])
  assert.deepEqual(statusCodes, ['500'])
  assert.equal(dataApi.requests.length, 0)
  assert.match(stderr, /"error":"SigningKeyError","detail":"[^"]*JWT_SECRET_ARN[^"]*"/)
  assert.match(stderr, /"cause":\{"error":"AccessDeniedException"/)
  assert.doesNotMatch(`${stdout}${stderr}`, /arn:|Secrets Manager keeps/)
})

test('a key that can no longer be read goes on signing, with one warning and a count', async (t) => {
  const { env, secretsManager } = await awsEnvironment(t, [SECRET, ...Array(6).fill(DENIED)])
  const { POWERTOOLS_METRICS_DISABLED: _, ...counting } = env
  // A token of a key that the process does not have causes another read.
  const foreign = await signToken({ id: 7, username: 'gary' }, signingKey(), { ttlSeconds: 60 })
  const me = withToken(readEvent('me'), foreign)
  const { stdout, stderr, statusCodes } = await run(counting, [SIGN_UP, me, me, SIGN_UP], {
    inTurn: true,
  })
  assert.deepEqual(statusCodes, ['201', '401', '401', '201'])
  assert.equal(secretsManager.requests.length, 4)
  const [line = '', ...others] = `${stdout}${stderr}`.match(/^.*"WARN".*$/gm) ?? []
  assert.deepEqual(others, [])
  const { level, code, error, cause } = JSON.parse(line)
  assert.deepEqual([level, code, error], ['WARN', 'key_refresh_failed', 'SigningKeyError'])
  assert.equal(cause.error, 'AccessDeniedException')
  const metrics = stdout.split('\n').filter((text) => text.includes('"_aws"'))
  const counts = metrics.map((text) => JSON.parse(text)).filter(({ Warnings }) => Warnings === 1)
  assert.deepEqual(counts.map(({ code }) => code).sort(), ['key_refresh_failed', undefined])
  assert.doesNotMatch(`${stdout}${stderr}`, /arn:|Secrets Manager keeps/)
})
