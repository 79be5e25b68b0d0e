import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type FakeStack, STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { callCommand, runCommand } from '../../test/support/command.ts'
import { ACCESS_KEY_ID } from '../../test/support/data-api-script.ts'
import { serveDatabase } from '../../test/support/database.ts'
import { openMigratedPglite } from '../../test/support/pglite.ts'
import { createSecret } from '../../test/support/secret-endpoint.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { newSigningKey } from '../new-signing-key.ts'
import { createDeploy } from './deploy.ts'
import { readStageTable } from './stage.ts'

const DEPLOY = createDeploy()
const MIGRATION = [
  'latchkey-dev in eu-west-1, database latchkey',
  'No migration to apply',
  'Set the password of latchkey_app from its secret',
]
const ARGUMENTS = ['--stage', 'dev', '--region', 'eu-west-1', '--force']
const DEPLOYMENT = 'serverless deploy --stage dev --region eu-west-1 --force'
const DEPLOYED = {
  outputs: STACK_OUTPUTS,
  secret: JSON.stringify({ username: 'latchkey_app', password: 'x'.repeat(64) }),
}

test('parse finds the stage, the region and the algorithm among the framework’s options', () => {
  const { parse } = DEPLOY
  assert.equal(parse(['--stage', 'dev']).region, 'eu-central-1')
  assert.equal(parse(['--stage', 'dev']).signing, 'hs256')
  const args = ['--force', '-s', 'prod', '--region=us-east-1', '--verbose']
  assert.deepEqual(parse(args), {
    deploy: args,
    checks: ['--reset-params='],
    stage: 'prod',
    region: 'us-east-1',
    signing: 'hs256',
    profile: undefined,
  })
  const params = ['--param', 'signing=hs256', '--param=alarmEmail=a@b.c', '--param=signing=rs256']
  assert.equal(parse(['--stage', 'dev', ...params]).signing, 'rs256')
})

test('parse keeps the names of --reset-params from the framework', () => {
  const others = ['--stage', 'dev', '--force']
  for (const reset of [['--reset-params', 'domain,signing'], ['--reset-params=domain,signing']]) {
    for (const args of [
      [...reset, ...others],
      [...others, ...reset],
    ]) {
      const { deploy, checks } = DEPLOY.parse(args)
      assert.deepEqual([deploy, checks], [others, ['--reset-params=domain,signing']])
    }
  }
})

/** Deploys with a stand-in for the framework that prints its command line and ends with `exitStatus`. */
async function deployWith(
  t: TestContext,
  exitStatus: number,
  stack: FakeStack = {},
  more: Readonly<Record<string, string>> = {},
) {
  const { env } = await serveAws(t, stack)
  const lines: string[] = []
  const program = createDeploy((command, args) => {
    lines.push([command, ...args].join(' '))
    return exitStatus
  })
  const { stderr, status } = await callCommand(program, ARGUMENTS, { ...env, ...more }, lines)
  return { lines, stderr, status }
}

test('a stage without a database is deployed first, with all arguments, and then migrated', async (t) => {
  for (const [stack, problem] of [
    [{}, 'There is no stack latchkey-dev in eu-west-1'],
    [{ outputs: { Other: 'x' } }, 'The stack latchkey-dev has no output'],
  ] as const) {
    const { lines, stderr, status } = await deployWith(t, 0, stack)
    assert.deepEqual([lines, status], [[DEPLOYMENT], 1])
    assert.ok(stderr.startsWith(`The migration failed: ${problem}`), stderr)
  }
})

test('a deployed stage is migrated first, and not deployed if that fails', async (t) => {
  const { lines, stderr, status } = await deployWith(t, 0, { outputs: STACK_OUTPUTS })
  assert.deepEqual([lines, status], [MIGRATION.slice(0, 1), 1])
  assert.match(stderr, /^The migration failed: The secret of latchkey_app/)
})

test('a stage whose key looks public is not deployed', async (t) => {
  const signingSecret = createSecret(`ssh-rsa ${'A'.repeat(64)}`)
  const { lines, status } = await deployWith(t, 0, { ...DEPLOYED, signingSecret })
  assert.deepEqual([lines, status], [MIGRATION.slice(0, 1), 1])
})

test('a deployed stage is migrated, deployed, and migrated again, with the account of --aws-profile', async (t) => {
  const database = await serveDatabase(await openMigratedPglite())
  t.after(() => database.close())
  const folder = temporaryFolder(t)
  const profiles = Object.entries({ one: 'of-one', two: ACCESS_KEY_ID }).map(
    ([name, id]) => `[${name}]\naws_access_key_id = ${id}\naws_secret_access_key = secret\n`,
  )
  writeFileSync(`${folder}/credentials`, profiles.join('\n'))
  const framework = '#!/bin/sh\necho "$AWS_PROFILE" serverless "$@"\n'
  writeFileSync(`${folder}/serverless`, framework, { mode: 0o755 })
  const { env, requests } = await serveAws(t, DEPLOYED)
  const { stdout, status } = await runCommand(
    'tools/deploy/deploy.ts',
    [...ARGUMENTS, '--aws-profile', 'two'],
    {
      ...env,
      PATH: folder,
      AWS_ENDPOINT_URL_RDS_DATA: database.url,
      AWS_PROFILE: 'one',
      AWS_ACCESS_KEY_ID: 'of-the-environment',
      AWS_SHARED_CREDENTIALS_FILE: `${folder}/credentials`,
    },
  )
  assert.equal(status, 0)
  const deployment = `two ${DEPLOYMENT} --aws-profile two`
  assert.deepEqual(stdout.trim().split('\n'), [...MIGRATION, deployment, ...MIGRATION])
  const signers = requests.map(
    ({ headers }) => /Credential=(\w+)/.exec(String(headers['authorization']))?.[1],
  )
  assert.ok(signers.length > 2)
  assert.deepEqual(new Set(signers), new Set([ACCESS_KEY_ID]))

  const own = { AWS_ENDPOINT_URL_RDS_DATA: database.url }
  const signingSecret = createSecret(newSigningKey('RS256'))
  signingSecret.put('k'.repeat(64), ['AWSCURRENT'])
  const { lines } = await deployWith(t, 0, { ...DEPLOYED, signingSecret }, own)
  assert.match(lines.at(-1) ?? '', /AWSPREVIOUS.* \d{4}-\d\d-\d\dT/)
  const failed = await deployWith(t, 3, DEPLOYED, own)
  assert.deepEqual(failed, { lines: [...MIGRATION, DEPLOYMENT], stderr: '', status: 3 })
})

const RESERVED = Number(readStageTable('dev')['reservedConcurrency'])
const WITH_KEYS = { AWS_ACCESS_KEY_ID: '' }
const QUOTA = new RegExp(`${RESERVED + 99} concurrent .* ${RESERVED} more, and 100 must stay`)
/** Stages and variables with which nothing is deployed, and the reason. */
const REJECTED: Readonly<Record<string, readonly [FakeStack, RegExp, object?]>> = {
  'a quota without room for a first deployment': [{ unreserved: RESERVED + 99 }, QUOTA],
  'an AWS that does not say whether the stage exists': [{ denied: true }, /AccessDenied/],
  ...Object.fromEntries(
    // Only the framework knows them.
    ['AWS_DEV_PROFILE', 'AWS_DEV_ACCESS_KEY_ID', 'AWS_DEFAULT_PROFILE'].map((name) => [
      `the variable ${name}`,
      [DEPLOYED, new RegExp(`${name} would choose the account`), { ...WITH_KEYS, [name]: 'one' }],
    ]),
  ),
}

for (const [what, [stack, problem, variables]] of Object.entries(REJECTED)) {
  test(`nothing is deployed with ${what}`, async (t) => {
    const { lines, stderr, status } = await deployWith(t, 0, stack, { ...variables })
    assert.deepEqual([lines, status], [[], 1])
    assert.match(stderr, /^Not (deployed|ready): /)
    assert.match(stderr, problem)
  })
}

test('nothing is migrated or deployed with an engine version that RDS rejects; --param sets it', async (t) => {
  const version = '99.9'
  for (const stack of [{}, DEPLOYED]) {
    const { env } = await serveAws(t, stack)
    const lines: string[] = []
    const program = createDeploy((command) => lines.push(command))
    const args = [...ARGUMENTS, '--param', `engineVersion=${version}`]
    const { stderr, status } = await callCommand(program, args, env, lines)
    assert.deepEqual([lines, status], [[], 1])
    assert.ok(stderr.includes(version), stderr)
  }
})

const WITH_DOMAIN = {
  ...DEPLOYED,
  template: JSON.stringify({ Metadata: { Params: ['domain=auth.example.com'] } }),
}

test('nothing is migrated or deployed if that would undo a parameter, until it is named or repeated', async (t) => {
  const migrated = MIGRATION.slice(0, 1) // And then fails, without a database.
  for (const [args, expected] of [
    [[], []],
    [['--reset-params', 'signing'], []],
    [['--reset-params', 'domain'], migrated],
    [['--param', 'domain=auth.example.com'], migrated],
  ] as const) {
    const { env } = await serveAws(t, { ...WITH_DOMAIN, secret: '' })
    const lines: string[] = []
    const program = createDeploy((command) => lines.push(command))
    const { stderr, status } = await callCommand(program, [...ARGUMENTS, ...args], env, lines)
    assert.deepEqual([lines, status], [[...expected], 1], stderr)
    assert.equal(stderr.includes('--param domain=auth.example.com'), expected.length === 0)
  }
})

test('a quota with just enough room is no obstacle, and a failed deployment ends with its status', async (t) => {
  const failed = await deployWith(t, 3, { unreserved: RESERVED + 100 })
  assert.deepEqual(failed, { lines: [DEPLOYMENT], stderr: '', status: 3 })
})

test('a missing framework is a failure that names it', async (t) => {
  const { env } = await serveAws(t, {})
  const nowhere = { ...env, PATH: temporaryFolder(t) }
  const { stderr, status } = await callCommand(DEPLOY, ARGUMENTS, nowhere)
  assert.match(stderr, /: spawnSync serverless ENOENT\n$/)
  assert.equal(status, 1)
})
