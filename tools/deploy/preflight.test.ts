import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeStack, serveAws } from '../../test/support/aws-endpoint.ts'
import { callCommand, runCommand } from '../../test/support/command.ts'
import { PREFLIGHT } from './preflight.ts'
import { readStageTable } from './stage.ts'

const STAGE = ['--stage', 'dev', '--region', 'eu-west-1']
const ARGUMENTS = [...STAGE, '--param', 'engineVersion=16.13']
const OFFERED = ['16.9', '16.14', '17.4']

const WITH_PIN = [...OFFERED, '16.13']

/** Clusters and offers of a region, and a version that the rejection of engineVersion 16.13 names, if there is one. */
const VERSIONS: Readonly<Record<string, readonly [FakeStack, string?]>> = {
  'no cluster, and the region offers it on a later page': [{ offered: WITH_PIN }],
  'no cluster, and the region offers only others': [{ offered: OFFERED }, '16.14'],
  'no cluster, and the region offers none': [{ offered: [] }, '16.13'],
  'a cluster that runs it where it is not offered': [{ running: '16.13', offered: OFFERED }],
  'a cluster of an earlier minor': [{ running: '16.9', offered: WITH_PIN }],
  'a cluster of an earlier minor where it is not offered': [
    { running: '16.9', offered: OFFERED },
    '16.14',
  ],
  'a cluster of a later minor': [{ running: '16.14', offered: WITH_PIN }, '16.14'],
  'a cluster of a later major': [{ running: '17.4', offered: WITH_PIN }, '17.4'],
}

for (const [what, [stack, named]] of Object.entries(VERSIONS)) {
  test(`${what}: a deployment ${named ? 'must not' : 'may'} start`, async (t) => {
    const { env, requests } = await serveAws(t, stack)
    const { stdout, stderr, status } = await callCommand(PREFLIGHT, ARGUMENTS, env)
    assert.deepEqual([stdout, status], ['', named ? 1 : 0])
    assert.ok(named ? stderr.includes(named) : stderr === '', stderr)
    const signed = requests.map(({ headers }) => String(headers['authorization'])).join('\n')
    assert.match(signed, /eu-west-1\/rds/)
    assert.doesNotMatch(signed, /eu-central-1/)
  })
}

test('a deploy role that is not known to be restricted to its API is a warning', async (t) => {
  for (const [roleApiId, warns] of [
    ['*', true],
    [null, true],
    ['a1b2c3', false],
    [undefined, false],
  ] as const) {
    const { env } = await serveAws(t, roleApiId === undefined ? {} : { roleApiId })
    const { stderr, status } = await callCommand(PREFLIGHT, ARGUMENTS, env)
    assert.equal(status, 0)
    assert.equal(stderr.startsWith('Warning: '), warns, stderr)
    const onGitHub = await callCommand(PREFLIGHT, ARGUMENTS, { ...env, GITHUB_ACTIONS: 'true' })
    assert.equal(onGitHub.stderr.startsWith('::warning::'), warns, onGitHub.stderr)
  }
})

test('the version is that of resources/stages.yml, and a stage that it lacks is rejected', async (t) => {
  const { env } = await serveAws(t, {})
  const file = 'tools/deploy/preflight.ts'
  const ready = await runCommand(file, ['--stage', 'dev', '--region', 'eu-west-1'], env)
  assert.deepEqual(ready, { stdout: '', stderr: '', status: 0 })
  for (const args of [[], ['--stage', 'prd']]) {
    assert.equal((await callCommand(PREFLIGHT, args, env)).status, 2)
  }
})

const RESERVED = Number(readStageTable('dev')['reservedConcurrency'])
const reserving = (ReservedConcurrentExecutions: number | undefined) =>
  JSON.stringify({
    Resources: { AuthLambdaFunction: { Properties: { ReservedConcurrentExecutions } } },
  })

test('the quota must have room for what a stage reserves beyond what it has', async (t) => {
  for (const [deployed, wanted, unreserved, isReady] of [
    [undefined, RESERVED, RESERVED + 100, true],
    [undefined, RESERVED, RESERVED + 99, false],
    [reserving(10), RESERVED, RESERVED + 90, true],
    [reserving(10), RESERVED, RESERVED + 89, false],
    [reserving(undefined), RESERVED, RESERVED + 99, false],
    [reserving(RESERVED), RESERVED, 100, true],
    [reserving(RESERVED), RESERVED + 30, 129, false],
  ] as const) {
    const stack = { unreserved, ...(deployed !== undefined && { template: deployed }) }
    const { env } = await serveAws(t, stack)
    const args = [...STAGE, '--param', `reservedConcurrency=${wanted}`]
    const { stderr, status } = await callCommand(PREFLIGHT, args, env)
    assert.equal(status, isReady ? 0 : 1, `${deployed} ${wanted} ${unreserved}: ${stderr}`)
    assert.ok(isReady || stderr.includes(`${unreserved}`), stderr)
  }
})

test('settings that would deploy and not work are rejected before any request', async (t) => {
  const { env, requests } = await serveAws(t, {})
  for (const params of [
    ['corsOrigins=https://app.example/'],
    ['signing=rs256', 'jwtIssuer=https://id.example/'],
  ]) {
    const args = [...STAGE, ...params.flatMap((text) => ['--param', text])]
    assert.equal((await callCommand(PREFLIGHT, args, env)).status, 1)
  }
  assert.deepEqual(requests, [])
})

test('an error of RDS is a failure', async (t) => {
  const { env } = await serveAws(t, {})
  const aws = { ...env, AWS_ENDPOINT_URL_RDS: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' }
  const { stderr, status } = await callCommand(PREFLIGHT, ARGUMENTS, aws)
  assert.equal(status, 1)
  assert.match(stderr, /ECONNREFUSED/)
})
