import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { at, entriesOf, itemsOf, readYaml } from '../support/yaml.ts'
import { assertCallsExist, scriptFiles } from './workflow-commands.ts'
import { jobs, steps, workflows } from './workflow-files.ts'

test('the workflows are these, and each parses', () => {
  assert.deepEqual(
    [...workflows.keys()],
    ['audit.yml', 'ci.yml', 'deploy-stage.yml', 'deploy.yml', 'long-tests.yml'],
  )
  for (const [file, { document }] of workflows) {
    assert.equal(typeof at(document, 'name'), 'string', file)
    assert.ok(at(document, 'on'), file)
    assert.ok(entriesOf(at(document, 'jobs')).length > 0, file)
  }
})

for (const { where, run } of steps) {
  if (run === '') continue
  test(`${where}: what it calls exists, and nothing is pasted into it: ${run.split('\n')[0]}`, () => {
    assertCallsExist(run)
    assert.doesNotMatch(run, /\$\{\{/, 'An expression in a shell text is code from elsewhere.')
  })
}

test('every script of package.json that runs a file names one that exists', () => {
  for (const file of scriptFiles.values()) assert.ok(existsSync(file), file)
})

test('every action is pinned by commit, with its version in a comment, and once for all', () => {
  const pins = new Map<string, string>()
  const uses = [...workflows.values()].flatMap(({ text }) => text.match(/\buses:.*$/gm) ?? [])
  assert.ok(uses.length > 0)
  for (const line of uses) {
    const local = /^uses: \.\/(\S+)$/.exec(line)?.[1]
    if (local !== undefined) {
      assert.ok(existsSync(local), line)
      continue
    }
    const [, action = '', pin = ''] =
      /^uses: (\S+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$/.exec(line) ?? []
    assert.notEqual(pin, '', line)
    assert.equal(pins.get(action) ?? pin, pin, `${action} has two versions`)
    pins.set(action, pin)
  }
})

test('nothing is permitted but to read, and to ask for an identity where a stage is deployed', () => {
  for (const [file, { document }] of workflows) {
    assert.deepEqual(at(document, 'permissions'), { contents: 'read' }, file)
  }
  const identified = jobs.filter(({ job }) => at(job, 'permissions') !== undefined)
  assert.deepEqual(
    identified.map(({ where }) => where),
    ['deploy-stage.yml, deploy', 'deploy.yml, dev', 'deploy.yml, prod'],
  )
  for (const { where, job } of identified) {
    assert.deepEqual(at(job, 'permissions'), { contents: 'read', 'id-token': 'write' }, where)
  }
})

test('no key is stored anywhere', () => {
  for (const [file, { text }] of workflows) {
    assert.doesNotMatch(text, /secrets[.[]|secrets:|AWS_(ACCESS|SECRET|SESSION)|access-key/i, file)
  }
})

test('no checkout leaves its token behind, and no job runs for ever', () => {
  for (const { where, step } of steps) {
    if (!String(at(step, 'uses')).startsWith('actions/checkout@')) continue
    assert.equal(at(step, 'with', 'persist-credentials'), false, where)
  }
  for (const { where, job } of jobs) {
    if (at(job, 'uses') === undefined) assert.ok(Number(at(job, 'timeout-minutes')) <= 90, where)
  }
})

test('Dependabot watches the packages, in groups, and the actions, weekly', () => {
  const dependabot = readYaml('.github/dependabot.yml')
  assert.equal(at(dependabot, 'version'), 2)
  const updates = itemsOf(at(dependabot, 'updates'))
  assert.deepEqual(
    updates.map((update) => at(update, 'package-ecosystem')),
    ['npm', 'github-actions'],
  )
  for (const update of updates) {
    assert.equal(at(update, 'schedule', 'interval'), 'weekly')
    assert.ok(entriesOf(at(update, 'groups')).length > 0)
  }
})
