import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type FakeStack, STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { runCommand } from '../../test/support/command.ts'
import { serveDatabase } from '../../test/support/database.ts'
import { openMigratedPglite } from '../../test/support/pglite.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { parse } from './deploy.ts'

test('the stage and the region go on to the migration, whatever else is given', () => {
  assert.equal(parse(['--stage', 'dev']).region, 'eu-central-1')
  assert.equal(parse(['--stage', 'dev']).signing, 'hs256')
  const args = ['--force', '-s', 'prod', '--region=us-east-1', '--verbose']
  assert.deepEqual(parse(args), {
    deploy: args,
    stage: 'prod',
    region: 'us-east-1',
    signing: 'hs256',
    profile: undefined,
    reservedConcurrency: 160,
  })
  const params = ['--param', 'signing=hs256', '--param=alarmEmail=a@b.c', '--param=signing=rs256']
  assert.equal(parse(['--stage', 'dev', ...params]).signing, 'rs256')
})

test('without a stage nothing is deployed, and the usage is shown', async () => {
  const { status, stderr } = await runCommand('tools/deploy/deploy.ts', ['--force'])
  assert.equal(status, 2)
  assert.match(stderr, /--stage is missing/)
})

/**
 * Deploys with a stand-in for the framework that prints its arguments and exits with that status, to an AWS
 * without a stack or with that one, and to its database if there is one.
 */
async function deployWith(
  t: TestContext,
  status: number | undefined,
  stack: FakeStack = {},
  databaseUrl?: string,
) {
  const folder = temporaryFolder(t)
  if (status !== undefined) {
    const script = `#!/bin/sh\necho "$@"\nexit ${status}\n`
    writeFileSync(`${folder}/serverless`, script, { mode: 0o755 })
  }
  const { env } = await serveAws(t, stack)
  const args = ['--stage', 'dev', '--region', 'eu-west-1', '--force']
  const database = databaseUrl === undefined ? {} : { AWS_ENDPOINT_URL_RDS_DATA: databaseUrl }
  return runCommand('tools/deploy/deploy.ts', args, { ...env, ...database, PATH: folder })
}

test('the framework deploys with all arguments, and then the stage is migrated', async (t) => {
  const { stdout, stderr, status } = await deployWith(t, 0)
  assert.equal(stdout, 'deploy --stage dev --region eu-west-1 --force\n')
  assert.match(stderr, /^The migration failed: There is no stack latchkey-dev in eu-west-1/)
  assert.equal(status, 1)
})

test('a stage that exists is migrated first, and not deployed if that fails', async (t) => {
  const { stdout, stderr, status } = await deployWith(t, 0, { outputs: STACK_OUTPUTS })
  assert.equal(stdout, 'latchkey-dev in eu-west-1, database latchkey\n')
  assert.match(stderr, /^The migration failed: The secret of latchkey_app/)
  assert.equal(status, 1)
})

test('a stage that exists is migrated, deployed, and migrated again', async (t) => {
  const database = await serveDatabase(await openMigratedPglite())
  t.after(() => database.close())
  const secret = JSON.stringify({ username: 'latchkey_app', password: 'x'.repeat(64) })
  const stack = { outputs: STACK_OUTPUTS, secret }
  const { stdout, stderr, status } = await deployWith(t, 0, stack, database.url)
  assert.deepEqual({ stderr, status }, { stderr: '', status: 0 })
  const migration = [
    'latchkey-dev in eu-west-1, database latchkey',
    'No migration to apply',
    'Set the password of latchkey_app from its secret',
  ]
  const deployment = 'deploy --stage dev --region eu-west-1 --force'
  assert.deepEqual(stdout.trim().split('\n'), [...migration, deployment, ...migration])

  const failed = await deployWith(t, 3, stack, database.url)
  assert.deepEqual([failed.stderr, failed.status], ['', 3])
  assert.deepEqual(failed.stdout.trim().split('\n'), [...migration, deployment])
})

test('--aws-profile chooses the account of every step', async (t) => {
  const folder = temporaryFolder(t)
  const profiles = ['one', 'two'].map(
    (name) => `[${name}]\naws_access_key_id = ${name}\naws_secret_access_key = secret\n`,
  )
  writeFileSync(`${folder}/credentials`, profiles.join('\n'))
  writeFileSync(`${folder}/serverless`, '#!/bin/sh\necho "$AWS_PROFILE" "$@"\n', { mode: 0o755 })
  const secret = JSON.stringify({ username: 'latchkey_app', password: 'x'.repeat(64) })
  const { env, requests } = await serveAws(t, { outputs: STACK_OUTPUTS, secret })
  const own = { ...env, PATH: folder, AWS_SHARED_CREDENTIALS_FILE: `${folder}/credentials` }
  const args = ['--stage', 'dev', '--aws-profile', 'two']
  await runCommand('tools/deploy/deploy.ts', args, { ...own, AWS_PROFILE: 'one' })
  const signers = requests.map(
    ({ headers }) => /Credential=(\w+)/.exec(String(headers['authorization']))?.[1],
  )
  assert.ok(signers.length > 2)
  assert.deepEqual(new Set(signers), new Set(['two']))

  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...keyless } = own
  for (const name of ['AWS_DEV_PROFILE', 'AWS_DEV_ACCESS_KEY_ID', 'AWS_DEFAULT_PROFILE']) {
    const { stdout, stderr, status } = await runCommand(
      'tools/deploy/deploy.ts',
      ['--stage', 'dev'],
      { ...keyless, [name]: 'one' },
    )
    assert.deepEqual([stdout, status], ['', 1])
    assert.match(stderr, new RegExp(`^Not deployed: ${name} would choose the account`))
  }
})

test('a first deployment that the Lambda quota has no room for is refused before it begins', async (t) => {
  const { stdout, stderr, status } = await deployWith(t, 0, { unreserved: 119 })
  assert.deepEqual([stdout, status], ['', 1])
  assert.match(stderr, /^Not deployed: 119 concurrent executions .* reserves 20, and 100 must stay/)
  assert.match((await deployWith(t, 0, { unreserved: 120 })).stdout, /^deploy /)
})

test('a stage that the table does not have is named, with what to do', async () => {
  const { stderr, status } = await runCommand('tools/deploy/deploy.ts', ['--stage', 'prd'])
  assert.equal(status, 2)
  assert.match(
    stderr,
    /^resources\/stages.yml has no stage "prd", but dev, prod, local\. Add a row/,
  )
})

test('nothing is deployed where AWS does not say whether the stage exists', async (t) => {
  const { stdout, stderr, status } = await deployWith(t, 0, { denied: true })
  assert.match(stderr, /^Not deployed: AccessDenied/)
  assert.deepEqual({ stdout, status }, { stdout: '', status: 1 })
})

test('a stage whose first deployment failed is deployed first', async (t) => {
  const { stdout, stderr } = await deployWith(t, 0, { outputs: { Other: 'x' } })
  assert.match(stdout, /^deploy --stage dev/)
  assert.match(stderr, /^The migration failed: The stack latchkey-dev has no output/)
})

test('a deployment that fails ends with its status, and nothing is migrated', async (t) => {
  const { stderr, status } = await deployWith(t, 3)
  assert.deepEqual({ stderr, status }, { stderr: '', status: 3 })
})

test('a missing framework is a failure that names it', async (t) => {
  const { stderr, status } = await deployWith(t, undefined)
  assert.match(stderr, /: spawnSync serverless ENOENT\n$/)
  assert.equal(status, 1)
})
