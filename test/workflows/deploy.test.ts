import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, entriesOf } from '../support/yaml.ts'
import { inWorkflow, steps, workflows } from './workflow-files.ts'

const deploySteps = steps.filter(({ file }) => file === 'deploy-stage.yml')

test('CI runs on every push and pull request, main by way of the deployment, which waits for it', () => {
  assert.deepEqual(inWorkflow('ci.yml', 'on'), {
    push: { 'branches-ignore': ['main'] },
    pull_request: null,
    workflow_call: null,
  })
  assert.deepEqual(inWorkflow('deploy.yml', 'on'), { push: { branches: ['main'] } })
  assert.equal(inWorkflow('deploy.yml', 'jobs', 'ci', 'uses'), './.github/workflows/ci.yml')
  assert.equal(inWorkflow('deploy.yml', 'jobs', 'dev', 'needs'), 'ci')
  assert.equal(inWorkflow('deploy.yml', 'jobs', 'prod', 'needs'), 'dev')
})

test('CI checks, tests with and without a Postgres server, and packages each stage', () => {
  const inCi = steps.filter(({ file }) => file === 'ci.yml').map(({ run }) => run)
  for (const run of [
    'npm run check',
    'npm run package -- --stage dev',
    'npm run package -- --stage prod',
  ]) {
    assert.ok(inCi.includes(run), run)
  }
  const tests = steps.filter(({ run }) => run === 'npm test')
  const servers = tests.map(({ step }) => at(step, 'env', 'DATABASE_URL'))
  assert.deepEqual(servers, [undefined, 'postgres://postgres@127.0.0.1:5432/postgres'])
})

test('CI and every day fail on any advisory of what runs on AWS, and on a high one of the rest', () => {
  assert.equal(inWorkflow('ci.yml', 'jobs', 'audit', 'uses'), './.github/workflows/audit.yml')
  assert.deepEqual(inWorkflow('audit.yml', 'on'), {
    workflow_call: null,
    workflow_dispatch: null,
    schedule: [{ cron: '23 5 * * *' }],
  })
  const runs = steps.filter(({ file }) => file === 'audit.yml').map(({ run }) => run)
  assert.deepEqual(
    runs.filter((run) => run.startsWith('npm audit')),
    [
      'npm audit --omit=dev --audit-level=info',
      'npm audit --audit-level=high',
      'npm audit signatures',
    ],
  )
  for (const { step, where } of steps) {
    assert.equal(at(step, 'continue-on-error'), undefined, where)
  }
})

test('fuzzing, mutation testing and the soak run weekly and by hand, and no deployment waits for them', () => {
  const file = 'long-tests.yml'
  const triggers = { workflow_dispatch: null, schedule: [{ cron: '41 3 * * 1' }] }
  assert.deepEqual(inWorkflow(file, 'on'), triggers)
  const runs = steps.filter((step) => step.file === file).map(({ run }) => run)
  for (const script of ['fuzz', 'mutation', 'soak']) {
    assert.ok(
      runs.some((run) => run.startsWith(`npm run ${script}`)),
      script,
    )
  }
  for (const { text } of workflows.values()) assert.ok(!text.includes(`workflows/${file}`))
})

test('who calls the deployment of a stage gives it the inputs it asks for', () => {
  const inputs = entriesOf(inWorkflow('deploy-stage.yml', 'on', 'workflow_call', 'inputs'))
  assert.deepEqual(
    inputs.map(([name, input]) => [name, at(input, 'type'), at(input, 'required')]),
    [['stage', 'string', true]],
  )
  for (const stage of ['dev', 'prod']) {
    const job = inWorkflow('deploy.yml', 'jobs', stage)
    assert.equal(at(job, 'uses'), './.github/workflows/deploy-stage.yml')
    assert.deepEqual(at(job, 'with'), { stage })
  }
})

test('deployments of a stage queue, behind the approval of its environment', () => {
  const deploy = inWorkflow('deploy-stage.yml', 'jobs', 'deploy')
  const stage = '$' + '{{ inputs.stage }}'
  assert.equal(at(deploy, 'environment'), stage)
  assert.deepEqual(at(deploy, 'concurrency'), {
    group: `deploy-${stage}`,
    'cancel-in-progress': false,
    queue: 'max',
  })
})

test('a stage gets a list of its packages, is migrated, deployed, migrated and tried, and rolled back if that fails', () => {
  const order = [
    /^npm ci --ignore-scripts$/,
    /^npm run --silent sbom > latchkey\.cdx\.json$/,
    /^$/, // the artifact
    /^$/, // the role
    /live-deployment/,
    /^npm run migrate/,
    /^npx serverless deploy .* --force /,
    /^npm run migrate/,
    /^npm run smoke/,
    /^npx serverless rollback .* --timestamp "\$TIMESTAMP"$/,
    /^npm run smoke/,
  ]
  const first = deploySteps.findIndex(({ run }) => run.startsWith('npm ci'))
  const ofInterest = deploySteps.slice(first, first + order.length)
  for (const [index, pattern] of order.entries())
    assert.match(ofInterest[index]?.run ?? '', pattern)
  const [, , artifact, role, ...withRole] = ofInterest
  assert.match(String(at(artifact?.step, 'uses')), /^actions\/upload-artifact@/)
  assert.equal(at(artifact?.step, 'with', 'path'), 'latchkey.cdx.json')
  assert.match(String(at(role?.step, 'uses')), /^aws-actions\/configure-aws-credentials@/)
  for (const { run } of withRole) assert.match(run, / --stage "\$STAGE" --region "\$REGION"/)
  const condition = String(at(ofInterest[9]?.step, 'if'))
  assert.match(condition, /^failure\(\) && steps\.deploy\.outcome == 'success' && /)
  assert.match(condition, /steps\.previous\.outputs\.timestamp != ''$/)
})

test('every step that another refers to is there', () => {
  const ids = deploySteps.map(({ step }) => at(step, 'id'))
  const text = workflows.get('deploy-stage.yml')?.text ?? ''
  for (const [, id] of text.matchAll(/\bsteps\.([\w-]+)\./g)) assert.ok(ids.includes(id), id)
})
