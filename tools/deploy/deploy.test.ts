import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { serveAws } from '../../test/support/aws-endpoint.ts'
import { runCommand } from '../../test/support/command.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { parse } from './deploy.ts'

test('the stage and the region go on to the migration, whatever else is given', () => {
  assert.deepEqual(parse(['--stage', 'dev']).migrate, ['--stage', 'dev'])
  const { deploy, migrate } = parse(['--force', '-s', 'prod', '--region=us-east-1', '--verbose'])
  assert.deepEqual(migrate, ['--stage', 'prod', '--region', 'us-east-1'])
  assert.deepEqual(deploy, ['--force', '-s', 'prod', '--region=us-east-1', '--verbose'])
})

test('without a stage nothing is deployed, and the usage is shown', async () => {
  const { status, stderr } = await runCommand('tools/deploy/deploy.ts', ['--force'])
  assert.equal(status, 2)
  assert.match(stderr, /--stage is missing/)
})

/** Deploys with a stand-in for the framework that prints its arguments and exits with that status, to an AWS without a stack. */
async function deployWith(t: TestContext, status: number | undefined) {
  const folder = temporaryFolder(t)
  if (status !== undefined) {
    const script = `#!/bin/sh\necho "$@"\nexit ${status}\n`
    writeFileSync(`${folder}/serverless`, script, { mode: 0o755 })
  }
  const { env } = await serveAws(t, {})
  const args = ['--stage', 'dev', '--region', 'eu-west-1', '--force']
  return runCommand('tools/deploy/deploy.ts', args, { ...env, PATH: folder })
}

test('the framework deploys with all arguments, and then the stage is migrated', async (t) => {
  const { stdout, stderr, status } = await deployWith(t, 0)
  assert.equal(stdout, 'deploy --stage dev --region eu-west-1 --force\n')
  assert.match(stderr, /^The migration failed: There is no stack latchkey-dev in eu-west-1/)
  assert.equal(status, 1)
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
