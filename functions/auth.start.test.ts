import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scriptDataApi } from '../test/support/data-api-script.ts'
import { bodyOf, environment, eventWith, sender } from '../test/support/handler.ts'
import { createSecret, serveSecret } from '../test/support/secret-endpoint.ts'
import { captureStderr } from '../test/support/stderr.ts'

const KEY = 'the key that Secrets Manager keeps, of more than 32 bytes'
const SIGN_UP = eventWith({ username: 'gary', password: 'correct horse battery' })
const ROW = { body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }]] } }

test('a failed start is 500, logs its variable, and is retried', async (t) => {
  const dataApi = await scriptDataApi(t, [ROW, ROW])
  const secret = createSecret('short')
  const { handle } = secret
  const denied = JSON.stringify({ __type: 'AccessDeniedException', message: 'arn:' })
  secret.handle = () => ({ status: 400, headers: {}, body: denied })
  const secrets = await serveSecret(t, secret)
  const { JWT_SECRET: _, ...env } = environment(dataApi.url)
  Object.assign(process.env, env, {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    DB_CLUSTER_ARN: 'a cluster without arn',
  })
  delete process.env['JWT_SECRET']
  delete process.env['JWT_SECRET_ARN']
  // The import itself does not throw: a function that does not start sends a response outside the contract.
  const { handler } = await import('./auth.ts')
  const send = sender(handler)

  const failsWith = async (t: Parameters<typeof captureStderr>[0], logged: RegExp) => {
    const output = captureStderr(t)
    const response = await send(SIGN_UP)
    assert.equal(response.statusCode, 500)
    assert.equal(bodyOf(response)['code'], 'internal_error')
    assert.match(output(), /^[^\n]*\n$/)
    assert.match(output(), logged)
    const text = `${output()}${response.body}`
    assert.doesNotMatch(text, /without arn|arn:(?!…)|short"|Secrets Manager keeps/)
    assert.equal(dataApi.requests.length, 0)
  }

  await t.test('two invalid variables', (t) =>
    failsWith(t, /"ConfigError","detail":"[^"]*DB_CLUSTER_ARN is wrong.*JWT_SECRET is missing/),
  )
  process.env['DB_CLUSTER_ARN'] = env.DB_CLUSTER_ARN
  await t.test('one of them corrected', (t) =>
    failsWith(t, /"ConfigError","detail":"[^"]*JWT_SECRET is missing/),
  )
  process.env['JWT_SECRET_ARN'] = 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:jwt'
  const detail = /"SigningKeyError","detail":"[^"]*JWT_SECRET_ARN/.source
  await t.test('a secret without access', (t) =>
    failsWith(t, new RegExp(`${detail}[^"]*","cause":\\{"error":"AccessDen`)),
  )
  secret.handle = handle
  await t.test('a secret that is too short', (t) =>
    failsWith(t, new RegExp(`${detail} must be a random key of at least 32 bytes`)),
  )
  secret.put(KEY, ['AWSCURRENT'])
  await t.test('all corrected: a token, and the secret is not read again', async () => {
    const before = secrets.actions.length
    assert.equal((await send(SIGN_UP)).statusCode, 201)
    assert.equal((await send(SIGN_UP)).statusCode, 201)
    assert.equal(secrets.actions.length, before + 1)
  })
})
