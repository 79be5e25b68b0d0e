import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { PREFLIGHT_OPTIONS } from '../../tools/deploy/preflight.ts'
import { at, entriesOf, itemsOf, namesIn, readText, readYaml } from '../support/yaml.ts'

const FOLDER = '.github/workflows/'
// zizmor and actionlint check these files too: pinned actions, permissions of a file, kept tokens, expressions in
// shell text, packages without a lock file, and the names of steps, jobs and files.
const workflows = new Map(
  namesIn(FOLDER).map((file) => [
    file,
    { text: readText(FOLDER + file), document: readYaml(FOLDER + file) },
  ]),
)
const jobs = [...workflows].flatMap(([file, { document }]) =>
  entriesOf(at(document, 'jobs')).map(([name, job]) => ({ file, where: `${file}, ${name}`, job })),
)
/** Every step; `run` is empty where it is an action. */
const steps = jobs.flatMap(({ file, where, job }) =>
  itemsOf(at(job, 'steps')).map((step) => {
    const run = at(step, 'run')
    return { file, where, step, run: typeof run === 'string' ? run.trim() : '' }
  }),
)
const inWorkflow = (file: string, ...keys: readonly string[]) =>
  at(workflows.get(file)?.document, ...keys)

const scripts = new Map(entriesOf(at(JSON.parse(readText('package.json')), 'scripts')))
/** osls's commands with their options, as its own command line has them. */
const serverless: ReadonlyMap<string, unknown> = createRequire(import.meta.url)(
  'serverless/lib/cli/commands-schema/aws-service',
)

test('each step calls scripts, files and options that exist, and pinned programs', () => {
  for (const { run } of steps) {
    for (const [, name = ''] of run.matchAll(/npm run (?:--silent )?(\S+)/g)) {
      assert.ok(scripts.has(name), `package.json has no script ${name}.`)
    }
    // `npm run SCRIPT -- …` and `node FILE …` name a stage, and only the checks take more; `npx serverless COMMAND …`
    // takes the framework's options.
    for (const [, command = '', rest = ''] of run.matchAll(
      /(?:npm run .*? --|node \S+|npx serverless (\S+))( --[^\n;|&)]*)/g,
    )) {
      const known = command ? at(serverless.get(command), 'options') : PREFLIGHT_OPTIONS
      for (const [, option = ''] of rest.matchAll(/--(\w[\w-]*)/g)) {
        assert.ok(at(known, option) !== undefined, `${run} has an unknown option: ${option}`)
      }
    }
    for (const [call] of run.matchAll(/pipx .*/g)) assert.match(call, /==\d+\.\d+/)
  }
  for (const command of [...scripts.values(), ...steps.map(({ run }) => run)]) {
    for (const [, file = ''] of String(command).matchAll(/(?:node |^)(\w+\/\S+\.(?:ts|sh))/g)) {
      assert.ok(existsSync(file), file)
    }
  }
})

test('only a job that deploys a stage has an identity, and no key is stored', () => {
  for (const [file, { text }] of workflows) {
    assert.doesNotMatch(text, /secrets[.[]|secrets:|AWS_(ACCESS|SECRET|SESSION)|access-key/i, file)
  }
  const identified = jobs.filter(({ job }) => at(job, 'permissions') !== undefined)
  assert.deepEqual(
    identified.map(({ where }) => where),
    ['deploy-stage.yml, deploy', 'deploy.yml, dev', 'deploy.yml, prod'],
  )
  for (const { job } of identified) {
    assert.deepEqual(at(job, 'permissions'), { contents: 'read', 'id-token': 'write' })
  }
})

test('every job has a time limit, and no failure is ignored', () => {
  for (const { where, step } of steps) assert.equal(at(step, 'continue-on-error'), undefined, where)
  for (const { where, job } of jobs) {
    if (at(job, 'uses') === undefined) assert.ok(Number(at(job, 'timeout-minutes')) <= 90, where)
  }
})

test('a push to main is deployed to dev and then to prod, once CI and the audit pass', () => {
  assert.deepEqual(inWorkflow('deploy.yml', 'on'), { push: { branches: ['main'] } })
  assert.deepEqual(at(inWorkflow('ci.yml', 'on'), 'push'), { 'branches-ignore': ['main'] })
  assert.equal(inWorkflow('deploy.yml', 'jobs', 'ci', 'uses'), './.github/workflows/ci.yml')
  assert.equal(inWorkflow('ci.yml', 'jobs', 'audit', 'uses'), './.github/workflows/audit.yml')
  for (const [stage, needs] of Object.entries({ dev: 'ci', prod: 'dev' })) {
    const job = inWorkflow('deploy.yml', 'jobs', stage)
    assert.equal(at(job, 'needs'), needs)
    assert.deepEqual(at(job, 'with'), { stage })
  }
  const deploy = inWorkflow('deploy-stage.yml', 'jobs', 'deploy')
  const stage = '$' + '{{ inputs.stage }}'
  assert.equal(at(deploy, 'environment'), stage)
  assert.deepEqual(at(deploy, 'concurrency'), {
    group: `deploy-${stage}`,
    'cancel-in-progress': false,
    queue: 'max',
  })
  for (const { text } of workflows.values()) assert.ok(!text.includes('workflows/long-tests.yml'))
})

test('a push is checked once, also where it has a pull request', () => {
  const fork = 'github.event.pull_request.head.repo.full_name != github.repository'
  for (const [name, job] of entriesOf(inWorkflow('ci.yml', 'jobs'))) {
    assert.equal(at(job, 'if'), `github.event_name != 'pull_request' || ${fork}`, name)
  }
})

test('a stage is checked, migrated, deployed, migrated and tried, and rolled back if that fails', () => {
  const runs = steps.filter(({ file, run }) => file === 'deploy-stage.yml' && run !== '')
  const order = [
    /^npm ci --ignore-scripts$/,
    /^npm run --silent sbom > latchkey\.cdx\.json$/,
    /live-deployment/,
    /^node tools\/deploy\/preflight\.ts /,
    /^exec node tools\/deploy\/migrate\.ts /,
    /^npx serverless deploy .* --force /,
    /^exec node tools\/deploy\/migrate\.ts /,
    /^npm run smoke/,
    /live-deployment .*"\$live" = "\$TIMESTAMP" .*npx serverless rollback .* --timestamp "\$TIMESTAMP"$/s,
    /^npm run smoke/,
  ]
  const first = runs.findIndex(({ run }) => run.startsWith('npm ci'))
  const deployment = runs.slice(first, first + order.length)
  for (const [index, pattern] of order.entries()) {
    const run = deployment[index]?.run ?? ''
    assert.match(run, pattern)
    if (index >= 2) assert.match(run, / --stage "\$STAGE" --region "\$REGION"/)
  }
  // The checks know what is deployed.
  const paramsOf = (index: number) => deployment[index]?.run.match(/\S*--param "[^"]*"/g) ?? []
  assert.ok(paramsOf(5).length > 0)
  assert.deepEqual(paramsOf(3), paramsOf(5))
  const condition = String(at(deployment[8]?.step, 'if'))
  assert.match(
    condition,
    /^\(failure\(\) \|\| cancelled\(\)\) && steps\.deploy\.outcome != 'skipped' && /,
  )
  assert.match(condition, /steps\.previous\.outputs\.timestamp != ''$/)
})
