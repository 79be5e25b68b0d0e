import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveAws } from '../../test/support/aws-endpoint.ts'
import { callCommand, runCommand } from '../../test/support/command.ts'
import { serveHttp } from '../../test/support/http-endpoint.ts'
import { LIVE_DEPLOYMENT } from './live-deployment.ts'

const bucket = { Type: 'AWS::S3::Bucket' }
const template = (S3Key: unknown) => {
  const lambda = { Type: 'AWS::Lambda::Function', Properties: { Code: { S3Key } } }
  return JSON.stringify({ Resources: { bucket, lambda } })
}
const KEY = 'serverless/latchkey/dev/1795470849123-2026-11-23T21:54:09.123Z/latchkey.zip'

test('the command prints the timestamp to roll back to', async (t) => {
  const { env, requests } = await serveAws(t, { template: template(KEY) })
  const args = ['--stage', 'dev', '--region', 'eu-west-1']
  const response = await runCommand('tools/deploy/live-deployment.ts', args, env)
  assert.deepEqual(response, { stdout: '1795470849123\n', stderr: '', status: 0 })
  assert.equal(new URLSearchParams(requests[0]?.body).get('StackName'), 'latchkey-dev')
  assert.match(String(requests[0]?.headers['authorization']), /eu-west-1\/cloudformation/)
})

test('it prints nothing without a function, and fails at what it cannot read', async (t) => {
  const empty = [undefined, '{}', 'null', JSON.stringify({ Resources: { bucket, A: null } })]
  const unreadable = ['no JSON', template(`elsewhere/${KEY}`), template([KEY])]
  const run = async (body: string | undefined) => {
    const { env } = await serveAws(t, body === undefined ? {} : { template: body })
    const { stdout, status } = await callCommand(LIVE_DEPLOYMENT, ['--stage', 'dev'], env)
    return [body, stdout, status]
  }
  for (const body of empty) assert.deepEqual(await run(body), [body, '', 0])
  for (const body of unreadable) assert.deepEqual(await run(body), [body, '', 1])
})

test('an error that has the class of a missing stack and another message is a failure', async (t) => {
  const error = '<Code>ValidationError</Code><Message>the name is too long</Message>'
  const body = `<ErrorResponse><Error>${error}</Error></ErrorResponse>`
  const { url } = await serveHttp(t, () => ({ status: 400, headers: {}, body }))
  const { env } = await serveAws(t, {})
  const aws = { ...env, AWS_ENDPOINT_URL: url }
  const { stdout, stderr, status } = await callCommand(LIVE_DEPLOYMENT, ['--stage', 'dev'], aws)
  assert.deepEqual([stdout, status], ['', 1])
  assert.match(stderr, /: the name is too long\n$/)
})
