import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type FakeStack, STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { callCommand, runCommand } from '../../test/support/command.ts'
import { serveDatabase } from '../../test/support/database.ts'
import { openMigratedPglite } from '../../test/support/pglite.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { createDeploy } from './deploy.ts'
import { readStageTable } from './stage-table.ts'

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

test('the stage and the region go on to the migration, whatever else is given', () => {
  const { parse } = DEPLOY
  assert.equal(parse(['--stage', 'dev']).region, 'eu-central-1')
  assert.equal(parse(['--stage', 'dev']).signing, 'hs256')
  const args = ['--force', '-s', 'prod', '--region=us-east-1', '--verbose']
  assert.deepEqual(parse(args), {
    deploy: args,
    stage: 'prod',
    region: 'us-east-1',
    signing: 'hs256',
    profile: undefined,
    reservedConcurrency: readStageTable('prod')['reservedConcurrency'],
  })
  const params = ['--param', 'signing=hs256', '--param=alarmEmail=a@b.c', '--param=signing=rs256']
  assert.equal(parse(['--stage', 'dev', ...params]).signing, 'rs256')
})

test('a missing stage, and one that the table does not have, is named with what to do', async () => {
  for (const [args, problem] of [
    [['--force'], /^--stage is missing/],
    [['--stage', 'prd'], /^resources\/stages.yml has no stage "prd", but dev, prod, .* Add a row/],
  ] as const) {
    const { status, stderr } = await callCommand(DEPLOY, args)
    assert.equal(status, 2)
    assert.match(stderr, problem)
  }
})

/**
 * Deploys with a stand-in for the framework that prints its command line and has that exit status, to an AWS
 * without a stack or with that one.
 */
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

test('a deployed stage is migrated, deployed, and migrated again, with the account of --aws-profile', async (t) => {
  const database = await serveDatabase(await openMigratedPglite())
  t.after(() => database.close())
  const folder = temporaryFolder(t)
  const profiles = ['one', 'two'].map(
    (name) => `[${name}]\naws_access_key_id = ${name}\naws_secret_access_key = secret\n`,
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
  assert.deepEqual(new Set(signers), new Set(['two']))

  const own = { AWS_ENDPOINT_URL_RDS_DATA: database.url }
  const failed = await deployWith(t, 3, DEPLOYED, own)
  assert.deepEqual(failed, { lines: [...MIGRATION, DEPLOYMENT], stderr: '', status: 3 })
})

test('a variable that would choose the account of the framework alone is rejected', async (t) => {
  for (const name of ['AWS_DEV_PROFILE', 'AWS_DEV_ACCESS_KEY_ID', 'AWS_DEFAULT_PROFILE']) {
    const variables = { AWS_ACCESS_KEY_ID: '', [name]: 'one' }
    const { lines, stderr, status } = await deployWith(t, 0, DEPLOYED, variables)
    assert.deepEqual([lines, status], [[], 1])
    assert.match(stderr, new RegExp(`^Not deployed: ${name} would choose the account`))
  }
})

test('a first deployment that the Lambda quota has no room for is rejected before it begins', async (t) => {
  const reserved = Number(readStageTable('dev')['reservedConcurrency'])
  const { lines, stderr, status } = await deployWith(t, 0, { unreserved: reserved + 99 })
  assert.deepEqual([lines, status], [[], 1])
  const [, unreserved, reserves] =
    /(\d+) concurrent .* reserves (\d+), and 100 must stay/.exec(stderr) ?? []
  assert.deepEqual([unreserved, reserves].map(Number), [reserved + 99, reserved])
  assert.deepEqual((await deployWith(t, 0, { unreserved: reserved + 100 })).lines, [DEPLOYMENT])
})

test('nothing is deployed where AWS does not say whether the stage exists', async (t) => {
  const { lines, stderr, status } = await deployWith(t, 0, { denied: true })
  assert.deepEqual([lines, status], [[], 1])
  assert.match(stderr, /^Not deployed: AccessDenied/)
})

test('a deployment that fails ends with its status, and nothing is migrated', async (t) => {
  assert.deepEqual(await deployWith(t, 3), { lines: [DEPLOYMENT], stderr: '', status: 3 })
})

test('a missing framework is a failure that names it', async (t) => {
  const { env } = await serveAws(t, {})
  const nowhere = { ...env, PATH: temporaryFolder(t) }
  const { stderr, status } = await callCommand(DEPLOY, ARGUMENTS, nowhere)
  assert.match(stderr, /: spawnSync serverless ENOENT\n$/)
  assert.equal(status, 1)
})
