import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type FakeStack, STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { readStackOutputs } from './stage.ts'

async function readFrom(t: TestContext, stack: FakeStack, stage = 'dev') {
  const { env, requests } = await serveAws(t, stack)
  Object.assign(process.env, env)
  const [settled] = await Promise.allSettled([readStackOutputs(stage, 'eu-west-1')])
  return { settled, requests, error: settled.status === 'rejected' && settled.reason.message }
}

test('every output of the stack has its field, and a release that signs only with HS256 gets defaults', async (t) => {
  const fields = Object.entries(STACK_OUTPUTS).map(([key, value]) => [
    key.replace(/^./, (letter) => letter.toLowerCase()),
    value,
  ])
  for (const [settings, jwtAlgorithm, jwtTtlSeconds, bcryptCost, sessionMaxDays] of [
    [
      { JwtAlgorithm: 'RS256', JwtTtlSeconds: '900', BcryptCost: '11', SessionMaxDays: '7' },
      'RS256',
      900,
      11,
      7,
    ],
    [{}, 'HS256', 3600, 12, 30],
  ] as const) {
    const outputs = { ...STACK_OUTPUTS, ...settings, Other: 'more' }
    const { settled, requests } = await readFrom(t, { outputs })
    const value = {
      ...Object.fromEntries(fields),
      jwtAlgorithm,
      jwtTtlSeconds,
      bcryptCost,
      sessionMaxDays,
    }
    assert.deepEqual(settled, { status: 'fulfilled', value })
    assert.equal(new URLSearchParams(requests[0]?.body).get('StackName'), 'latchkey-dev')
  }
})

test('a missing output or stack is an error that names it and says how to deploy it', async (t) => {
  for (const missing of Object.keys(STACK_OUTPUTS)) {
    const { error } = await readFrom(t, { outputs: { ...STACK_OUTPUTS, [missing]: '' } })
    assert.match(error, new RegExp(`^The stack latchkey-dev has no output ${missing}\\.`))
  }
  const { error } = await readFrom(t, {})
  assert.match(error, /^There is no stack latchkey-dev in eu-west-1\. .* -- --stage dev$/)
})

test('a stage with an invalid name is rejected without a request', async (t) => {
  for (const stage of ['', 'dev prod', 'dev/*', '$(id)', 'ü', 'a'.repeat(65)]) {
    const { error, requests } = await readFrom(t, { outputs: STACK_OUTPUTS }, stage)
    assert.match(error, /^A stage is named with letters, digits and hyphens/)
    assert.deepEqual(requests, [])
  }
})
