import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
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

test('without a stage nothing is deployed, and the usage is told', () => {
  assert.equal(stageArguments(['--force']), undefined)
  const script = fileURLToPath(new URL('deploy.ts', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  assert.equal(status, 2)
  assert.match(stderr, /--stage is missing/)
})
