import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type ScriptedResponse, scriptDataApi } from '../../test/support/data-api-script.ts'
import { readSecret } from './secrets.ts'

const ARN = 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:jwt'

async function secretsManager(t: TestContext, response: ScriptedResponse) {
  const { url: endpoint, requests } = await scriptDataApi(t, [response])
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new SecretsManagerClient({ endpoint, region: 'eu-central-1', credentials })
  t.after(() => client.destroy())
  return { client, requests }
}

test('a secret is read by its ARN, and returned as text', async (t) => {
  const { client, requests } = await secretsManager(t, { body: { SecretString: 'the text' } })
  assert.equal(await readSecret(client, ARN), 'the text')
  assert.equal(requests.length, 1)
  assert.deepEqual(requests[0]?.body, { SecretId: ARN })
})

test('a version is read by its label', async (t) => {
  const { client, requests } = await secretsManager(t, { body: { SecretString: 'the text' } })
  await readSecret(client, ARN, { version: 'AWSPREVIOUS' })
  assert.deepEqual(requests[0]?.body, { SecretId: ARN, VersionStage: 'AWSPREVIOUS' })
})

test('a binary secret is an error', async (t) => {
  const { client } = await secretsManager(t, { body: { SecretBinary: 'AAAA' } })
  await assert.rejects(readSecret(client, ARN), /^TypeError: The secret holds no text\.$/)
})
