import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { runCommand } from '../../test/support/command.ts'
import { serveDatabase } from '../../test/support/database.ts'
import { JWT_SECRET } from '../../test/support/handler.ts'
import { serveHttp } from '../../test/support/http-endpoint.ts'
import { type EndpointParts, refuse, signUpEndpoint } from '../../test/support/sign-up-endpoint.ts'
import { openPglite } from '../local/data-api/pglite-engine.ts'

const smoke = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  runCommand('tools/deploy/smoke.ts', args, env)

/** A deployed stage: an endpoint, and an AWS that knows of it. */
async function deployStage(t: TestContext, parts: EndpointParts = {}, secret = JWT_SECRET) {
  const endpoint = await serveHttp(t, signUpEndpoint(parts))
  const outputs = { ...STACK_OUTPUTS, SignUpUrl: `${endpoint.url}/auth/sign-up` }
  return { endpoint, outputs, aws: await serveAws(t, { outputs, secret }) }
}

test('a stage is tried at its own URL, under its own key, and its user is removed', async (t) => {
  const { endpoint, outputs, aws } = await deployStage(t)
  const { stdout, stderr, status } = await smoke(
    ['--stage', 'dev', '--region', 'eu-west-1'],
    aws.env,
  )

  assert.equal(stderr, '')
  assert.equal(status, 0)
  assert.equal(endpoint.requests[0]?.path, '/auth/sign-up')
  const { username } = JSON.parse(endpoint.requests[0]?.body ?? '')
  assert.match(stdout, new RegExp(`^ok +\\d+ ms {2}removed: ${username}$`, 'm'))
  assert.match(stdout, /The endpoint keeps the contract\.\n$/)
  // The application's own role may not delete.
  const [statement, ...others] = aws.statements()
  assert.deepEqual(others, [])
  assert.equal(statement?.['secretArn'], outputs.MasterSecretArn)
  assert.equal(statement?.['resourceArn'], outputs.ClusterArn)
  assert.equal(statement?.['database'], 'latchkey')
})

test('the user is removed, and nobody else, also when a step fails', async (t) => {
  const database = await serveDatabase(await openPglite())
  t.after(() => database.close())
  await database.query("INSERT INTO users (username, password) VALUES ('Smoke-not', 'x')")
  const created = async (username: string) => {
    await database.query('INSERT INTO users (username, password) VALUES ($1, $2)', [username, 'x'])
    return refuse(500, 'internal_error')
  }
  const { endpoint, aws } = await deployStage(t, { created })

  const { stdout, stderr, status } = await smoke(
    ['--stage', 'dev', '--url', `${endpoint.url}/elsewhere`],
    { ...aws.env, AWS_ENDPOINT_URL_RDS_DATA: database.url },
  )

  assert.equal(status, 1)
  assert.equal(stderr, 'The smoke test failed: Expected 201, got 500 internal_error.\n')
  assert.match(stdout, /^FAILED .*signed up: 201\nok .*removed: Smoke-\w{12}\n$/)
  assert.equal(endpoint.requests[0]?.path, '/elsewhere')
  assert.deepEqual(await database.query('SELECT username FROM users'), [['Smoke-not']])
})

test('a user who cannot be removed fails the smoke test', async (t) => {
  const { aws, outputs } = await deployStage(t)
  const denied = await serveAws(t, {
    outputs,
    secret: JWT_SECRET,
    statement: () => ({
      status: 403,
      headers: { 'x-amzn-errortype': 'AccessDeniedException' },
      body: '{"message":"not authorized to perform rds-data:ExecuteStatement"}',
    }),
  })
  const { stderr, status } = await smoke(['--stage', 'dev'], { ...aws.env, ...denied.env })
  assert.equal(status, 1)
  assert.match(stderr, /^The smoke test failed: not authorized to perform rds-data/)
})

test('a token under another key than the one of the stage fails', async (t) => {
  const { aws } = await deployStage(t, {}, 'another key, of more than thirty-two bytes')
  const { stderr, status } = await smoke(['--stage', 'dev'], aws.env)
  assert.equal(status, 1)
  assert.match(stderr, /signature does not hold/)
})

test('an endpoint without a stage needs no AWS, and its user stays', async (t) => {
  const { url, requests } = await serveHttp(t, signUpEndpoint())
  const { stdout, status } = await smoke(['--url', url])
  assert.equal(status, 0)
  assert.equal(requests[0]?.path, '/auth/sign-up')
  assert.match(stdout, /^note .* Smoke-\w{12} stays: only --stage can remove them$/m)
})

test('a stage that is not deployed fails with a sentence', async (t) => {
  const { env } = await serveAws(t, {})
  const { stderr, status } = await smoke(['--stage', 'dev'], env)
  assert.equal(status, 1)
  assert.match(stderr, /^The smoke test failed: There is no stack latchkey-dev in eu-central-1/)
})

for (const [args, problem] of [
  [[], /^--url or --stage is missing/],
  [['--url', 'example.org'], /^--url is no URL: example\.org/],
  [['--url', 'ftp://example.org'], /^--url is no URL/],
  [['--stag', 'dev'], /^Unknown option '--stag'/],
  [['dev'], /^Unexpected argument 'dev'/],
] as const) {
  test(`usage is shown for: smoke ${args.join(' ')}`, async () => {
    const { stdout, stderr, status } = await smoke(args)
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr, problem)
    assert.match(stderr, /npm run smoke -- --url U/)
  })
}
