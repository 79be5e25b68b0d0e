import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveAws } from '../../test/support/aws-endpoint.ts'
import { runCommand } from '../../test/support/command.ts'
import { serveHttp } from '../../test/support/http-endpoint.ts'
import { liveDeployment } from './live-deployment.ts'

const bucket = { ServerlessDeploymentBucket: { Type: 'AWS::S3::Bucket' } }

const template = (key: string | string[]) =>
  JSON.stringify({
    Resources: {
      ...bucket,
      SignUpLambdaFunction: {
        Type: 'AWS::Lambda::Function',
        Properties: { Code: { S3Bucket: { Ref: 'ServerlessDeploymentBucket' }, S3Key: key } },
      },
    },
  })

const DEPLOYED = template(
  'serverless/latchkey/dev/1795470849123-2026-11-23T21:54:09.123Z/latchkey.zip',
)

const ask = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  runCommand('tools/deploy/live-deployment.ts', args, env)

test('the folder of the running code has the timestamp to roll back to', () => {
  assert.equal(liveDeployment(DEPLOYED), '1795470849123')
})

test('a stack that has no more than its bucket runs nothing', () => {
  for (const odd of [{ Resources: bucket }, { Resources: { A: null, B: 'text' } }, {}, null]) {
    assert.equal(liveDeployment(JSON.stringify(odd)), undefined)
  }
})

test('code from elsewhere is no deployment to roll back to', () => {
  const key = 'serverless/latchkey/dev/1795470849123-2026-11-23T21:54:09.123Z/latchkey.zip'
  for (const other of ['elsewhere/latchkey.zip', `elsewhere/${key}`, [key]]) {
    assert.throws(() => liveDeployment(template(other)), /not deployed by this service/)
  }
})

test('the command prints the timestamp and nothing else', async (t) => {
  const { env, requests } = await serveAws(t, { template: DEPLOYED })
  const answer = await ask(['--stage', 'dev', '--region', 'eu-west-1'], env)
  assert.deepEqual(answer, { stdout: '1795470849123\n', stderr: '', status: 0 })
  assert.equal(new URLSearchParams(requests[0]?.body).get('StackName'), 'latchkey-dev')
  assert.match(String(requests[0]?.headers['authorization']), /eu-west-1\/cloudformation/)
})

test('before the first deployment the command prints nothing, and that is no failure', async (t) => {
  const { env } = await serveAws(t, {})
  assert.deepEqual(await ask(['--stage', 'dev'], env), { stdout: '', stderr: '', status: 0 })
})

for (const [code, message] of [
  ['AccessDenied', 'not you'],
  ['AccessDenied', 'the role does not exist'],
  ['ValidationError', 'the name is too long'],
] as const) {
  test(`what may not be read is a failure, and not a first deployment: ${message}`, async (t) => {
    const { url } = await serveHttp(t, () => ({
      status: 403,
      headers: { 'content-type': 'text/xml' },
      body: `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
    }))
    const { env } = await serveAws(t, {})
    const answer = await ask(['--stage', 'dev'], { ...env, AWS_ENDPOINT_URL: url })
    assert.deepEqual(answer, { stdout: '', stderr: `${message}\n`, status: 1 })
  })
}

test('what cannot be read is a failure, and not a first deployment', async (t) => {
  const { env } = await serveAws(t, { template: 'no JSON' })
  assert.equal((await ask(['--stage', 'dev'], env)).status, 1)
  const { stderr, status } = await ask([])
  assert.equal(status, 1)
  assert.match(stderr, /^Usage: npm run live-deployment/)
})
