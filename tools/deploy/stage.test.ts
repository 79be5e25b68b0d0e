import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type FakeStack, serveAws } from '../../test/support/aws-endpoint.ts'
import { readStackOutputs } from './stage.ts'

const OUTPUTS = {
  SignUpUrl: 'https://example.org/auth/sign-up',
  ClusterArn: 'the cluster',
  MasterSecretArn: 'the secret of the master',
  AppSecretArn: 'the secret of the function',
  JwtSecretArn: 'the secret of the key',
  DatabaseName: 'latchkey',
}

async function readFrom(t: TestContext, stack: FakeStack, stage = 'dev') {
  const { env, requests } = await serveAws(t, stack)
  Object.assign(process.env, env)
  const [settled] = await Promise.allSettled([readStackOutputs(stage, 'eu-west-1')])
  return { settled, requests, error: settled.status === 'rejected' && settled.reason.message }
}

test('every output of the stack has its field', async (t) => {
  const { settled, requests } = await readFrom(t, { outputs: { ...OUTPUTS, Other: 'more' } })
  const value = {
    signUpUrl: 'https://example.org/auth/sign-up',
    clusterArn: 'the cluster',
    masterSecretArn: 'the secret of the master',
    appSecretArn: 'the secret of the function',
    jwtSecretArn: 'the secret of the key',
    databaseName: 'latchkey',
  }
  assert.deepEqual(settled, { status: 'fulfilled', value })
  assert.equal(new URLSearchParams(requests[0]?.body).get('StackName'), 'latchkey-dev')
})

for (const missing of Object.keys(OUTPUTS)) {
  test(`a stack without ${missing} is an error that names it`, async (t) => {
    const outputs = { ...OUTPUTS, [missing]: '' }
    const { error } = await readFrom(t, { outputs })
    assert.match(error, new RegExp(`^The stack latchkey-dev has no output ${missing}\\.`))
  })
}

test('a stage that is not deployed is an error that says how to deploy it', async (t) => {
  const { error } = await readFrom(t, {})
  assert.match(error, /^There is no stack latchkey-dev in eu-west-1\. .* -- --stage dev$/)
})

for (const stage of ['', 'dev prod', 'dev/*', '$(id)', 'ü', 'a'.repeat(65)]) {
  test(`AWS is not asked for the stage ${JSON.stringify(stage)}`, async (t) => {
    const { error, requests } = await readFrom(t, { outputs: OUTPUTS }, stage)
    assert.match(error, /^A stage is named with letters, digits and hyphens/)
    assert.deepEqual(requests, [])
  })
}
