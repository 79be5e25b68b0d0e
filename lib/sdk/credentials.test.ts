import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { lambdaCredentials } from './credentials.ts'

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^AWS_/.test(name)) delete process.env[name]
  }
})

test('credentials of the environment come with token and account', async () => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'token',
  })
  const { accessKeyId, secretAccessKey, sessionToken } = await lambdaCredentials()()
  assert.deepEqual([accessKeyId, secretAccessKey, sessionToken], ['key', 'secret', 'token'])
})

test('a key without its secret is no credential, and the error says what would be one', async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'key'
  await assert.rejects(
    lambdaCredentials()(),
    /set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_CONTAINER_CREDENTIALS_FULL_URI/,
  )
})
