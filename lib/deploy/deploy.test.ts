import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand } from '../testing/command.ts'
import { stageArguments } from './deploy.ts'

test('the stage and the region go on to the migration, whatever else is given', () => {
  assert.deepEqual(stageArguments(['--stage', 'dev']), ['--stage', 'dev'])
  assert.deepEqual(stageArguments(['--force', '-s', 'prod', '--region=us-east-1', '--verbose']), [
    '--stage',
    'prod',
    '--region',
    'us-east-1',
  ])
})

test('without a stage nothing is deployed, and the usage is told', async () => {
  assert.equal(stageArguments(['--force']), undefined)
  const { status, stderr } = await runCommand('lib/deploy/deploy.ts', [])
  assert.equal(status, 2)
  assert.match(stderr, /--stage is missing/)
})
