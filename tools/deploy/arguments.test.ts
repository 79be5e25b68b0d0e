import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callCommand } from '../../test/support/command.ts'
import type { Program } from '../command-line.ts'
import { ACCOUNT } from './account.ts'
import { createDeploy } from './deploy.ts'
import { LIVE_DEPLOYMENT } from './live-deployment.ts'
import { MIGRATE } from './migrate.ts'
import { ROTATE_KEY } from './rotate-key.ts'
import { SMOKE } from './smoke.ts'

/** Arguments that a command rejects, and how its report begins. */
type Rejected = readonly (readonly [args: string, problem: RegExp])[]

function rejects<Arguments>(program: Program<Arguments>, rejected: Rejected): void {
  for (const [args, problem] of rejected) {
    test(`${/npm run [\w-]+/.exec(program.usage)} rejects "${args}", and prints its usage`, async () => {
      const { stdout, stderr, status } = await callCommand(program, args.split(' ').filter(Boolean))
      assert.deepEqual([status, stdout], [2, ''])
      assert.match(stderr, problem)
      assert.ok(stderr.endsWith(`\n\n${program.usage}`))
    })
  }
}

rejects(ACCOUNT, [
  ['gary show', /^--stage is missing/],
  ['--stage dev gary', /^The action is one of show, rename/],
  ['--stage dev gary toString', /^The action is one of/],
  ['--stage dev', /^Give one NAME/],
  ['--stage dev gary show x', /^Give one NAME/],
  ['--stage dev gary rename', /^Give one NAME/],
  ['--stage dev gary rename x y', /^Give one NAME/],
  ['--stage dev gary rename \u0301x', /^NEWNAME: .*combining mark/],
  [`--stage dev --id 57 rename ${'x'.repeat(51)}`, /^NEWNAME: .* 50 /],
  ['--stage dev --id 57', /^The action is one of/],
  ['--stage dev --id 57 gary show', /^The action is one of/],
  ['--stage dev --id gary show', /^--id is the number/],
  ['--stage dev --id 0 show', /^--id is the number/],
  ['--stage dev --id 1234567890123456 show', /^--id is the number/],
  ['--stage dev list', /^The action is one of/],
  ['--stage dev --id 57 list --paused', /^--paused goes with list/],
  ['--stage dev gary show --paused', /^--paused goes with list/],
])
rejects(createDeploy(), [
  ['--force', /^--stage is missing/],
  ['--stage prd', /^resources\/stages.yml has no stage "prd", but dev, prod, .* Add a row/],
  ['--stage dev --param domain', /^--param is name=value/],
])
rejects(LIVE_DEPLOYMENT, [['', /^--stage is missing/]])
rejects(MIGRATE, [
  ['', /^--stage is missing/],
  ['--stage local', /^npm start migrates the stage local/],
  ['--stage dev --signing es256', /^The parameter signing is hs256 or rs256/],
  ['--stage dev --dryrun', /--dryrun/],
  ['dev', /'dev'/],
])
rejects(ROTATE_KEY, [
  ['', /^--stage is missing/],
  ['--stage local', /\.local/],
])
rejects(SMOKE, [
  ['', /^--url or --stage is missing/],
  ['--url ftp://example.org', /^--url is not a URL/],
])
