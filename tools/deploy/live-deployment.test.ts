import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveAws } from '../../test/support/aws-endpoint.ts'
import { runCommand } from '../../test/support/command.ts'
import { serveHttp } from '../../test/support/http-endpoint.ts'
import { liveDeployment } from './live-deployment.ts'

const bucket = { Type: 'AWS::S3::Bucket' }
const template = (S3Key: unknown) => {
  const lambda = { Type: 'AWS::Lambda::Function', Properties: { Code: { S3Key } } }
  return JSON.stringify({ Resources: { bucket, lambda } })
}
const KEY = 'serverless/latchkey/dev/1795470849123-2026-11-23T21:54:09.123Z/latchkey.zip'

const ask = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  runCommand('tools/deploy/live-deployment.ts', args, env)

test('the folder of the running code has the timestamp to roll back to', () => {
  assert.equal(liveDeployment(template(KEY)), '1795470849123')
  for (const odd of [{ Resources: { bucket } }, { Resources: { A: null, B: 'text' } }, {}, null]) {
    assert.equal(liveDeployment(JSON.stringify(odd)), undefined)
  }
  for (const other of ['elsewhere/latchkey.zip', `elsewhere/${KEY}`, [KEY]]) {
    assert.throws(() => liveDeployment(template(other)), /not deployed by this service/)
  }
})

test('the command prints the timestamp, and nothing before the first deployment', async (t) => {
  const { env, requests } = await serveAws(t, { template: template(KEY) })
  const response = await ask(['--stage', 'dev', '--region', 'eu-west-1'], env)
  assert.deepEqual(response, { stdout: '1795470849123\n', stderr: '', status: 0 })
  assert.equal(new URLSearchParams(requests[0]?.body).get('StackName'), 'latchkey-dev')
  assert.match(String(requests[0]?.headers['authorization']), /eu-west-1\/cloudformation/)
  const first = await ask(['--stage', 'dev'], (await serveAws(t, {})).env)
  assert.deepEqual(first, { stdout: '', stderr: '', status: 0 })
})

test('what cannot be read is a failure, and not a first deployment', async (t) => {
  const { env } = await serveAws(t, { template: 'no JSON' })
  assert.equal((await ask(['--stage', 'dev'], env)).status, 1)
  assert.match((await ask([])).stderr, /^--stage is missing\.\n\nUsage: npm run live-deployment/)
  for (const [code, message] of [
    ['AccessDenied', 'the role does not exist'],
    ['ValidationError', 'the name is too long'],
  ]) {
    const body = `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`
    const headers = { 'content-type': 'text/xml' }
    const { url } = await serveHttp(t, () => ({ status: 403, headers, body }))
    const response = await ask(['--stage', 'dev'], { ...env, AWS_ENDPOINT_URL: url })
    assert.deepEqual([response.stdout, response.status], ['', 1])
    assert.match(response.stderr, new RegExp(`: ${message}\n$`))
  }
})
