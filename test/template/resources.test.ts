import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readYaml } from '../support/yaml.ts'
import { isObject, objectAt, packageStage } from './template.ts'
import { checkTemplate } from './template-check.ts'

const table = objectAt(readYaml('resources/stages.yml'), 'stages.yml')

for (const stage of ['dev', 'prod']) {
  test(`${stage} is packaged without credentials into a template and a zip without faults`, async (t) => {
    const { template, zipEntries } = await packageStage(t, stage)
    assert.deepEqual(checkTemplate(template), [])
    assert.deepEqual(zipEntries, ['.build/auth.cjs'])
  })
}

/** Where the templates differ, and the row of the table that says how. */
const differences: Readonly<Record<string, string>> = {
  'DatabaseCluster.Properties.BackupRetentionPeriod': 'backupDays',
  'DatabaseCluster.Properties.DeletionProtection': 'deletionProtection',
  'DatabaseCluster.Properties.ServerlessV2ScalingConfiguration.MaxCapacity': 'maxCapacity',
  'DatabaseCluster.Properties.ServerlessV2ScalingConfiguration.MinCapacity': 'minCapacity',
  'DatabaseCluster.Properties.ServerlessV2ScalingConfiguration.SecondsUntilAutoPause':
    'autoPauseSeconds',
  'DatabaseLogGroup.Properties.RetentionInDays': 'logRetentionDays',
  'HttpApiLogGroup.Properties.RetentionInDays': 'logRetentionDays',
  'HttpApiStage.Properties.DefaultRouteSettings.ThrottlingBurstLimit': 'throttleBurst',
  'HttpApiStage.Properties.DefaultRouteSettings.ThrottlingRateLimit': 'throttleRate',
  'AuthLambdaFunction.Properties.ReservedConcurrentExecutions': 'reservedConcurrency',
  'AuthLogGroup.Properties.RetentionInDays': 'logRetentionDays',
}

test('dev and prod differ in their names, in a second instance, and in the values of one table', async (t) => {
  const [dev, prod] = await Promise.all(
    ['dev', 'prod'].map(async (stage) => {
      const { template } = await packageStage(t, stage)
      return flatten(withoutStage(template, stage), '')
    }),
  )
  assert.ok(dev && prod)
  const paths = [...new Set([...dev.keys(), ...prod.keys()])]
    .filter((path) => dev.get(path) !== prod.get(path))
    .map((path) => path.replace('Resources.', ''))
  const second = paths.filter((path) => path.startsWith('DatabaseReader.'))
  assert.ok(second.length > 0)
  assert.deepEqual(
    paths.filter((path) => !second.includes(path)).toSorted(),
    Object.keys(differences),
  )
  const wanted = (stage: string, name: string) => objectAt(table[stage], stage)[name]
  for (const [path, name] of Object.entries(differences)) {
    assert.equal(dev.get(`Resources.${path}`), wanted('dev', name), `dev: ${path}`)
    assert.equal(prod.get(`Resources.${path}`), wanted('prod', name), `prod: ${path}`)
  }
})

test('the outputs have the names that other programs read', async (t) => {
  const { template } = await packageStage(t, 'dev')
  const outputs = objectAt(template['Outputs'], 'Outputs')
  const value = (name: string) => objectAt(outputs[name], name)['Value']
  const host = ['HttpApi', 'AWS::Region', 'AWS::URLSuffix'].map((name) => `\${${name}}`)
  const url = `https://${host[0]}.execute-api.${host[1]}.${host[2]}/auth/sign-up`

  assert.deepEqual(value('SignUpUrl'), { 'Fn::Sub': url })
  assert.deepEqual(value('ClusterArn'), { 'Fn::GetAtt': ['DatabaseCluster', 'DBClusterArn'] })
  assert.deepEqual(value('MasterSecretArn'), {
    'Fn::GetAtt': ['DatabaseCluster', 'MasterUserSecret.SecretArn'],
  })
  assert.deepEqual(value('AppSecretArn'), { Ref: 'AppSecret' })
  assert.deepEqual(value('JwtSecretArn'), { Ref: 'JwtSecret' })
  assert.equal(value('DatabaseName'), 'latchkey')
  assert.deepEqual(value('AlarmTopicArn'), { Ref: 'AlarmTopic' })
})

/** Every value of a template by its path. */
function flatten(value: unknown, path: string): Map<string, unknown> {
  if (!isObject(value) && !Array.isArray(value)) return new Map([[path, value]])
  return new Map(
    Object.entries(value).flatMap(([key, item]) => [
      ...flatten(item, path === '' ? key : `${path}.${key}`),
    ]),
  )
}

/** A template in which the stage's name and the time of packaging are gone. */
function withoutStage(template: object, stage: string): unknown {
  const text = JSON.stringify(template)
    .replaceAll(new RegExp(`\\b${stage}\\b`, 'g'), 'STAGE')
    .replaceAll(/\d{13}-[\dT:.-]+Z/g, 'TIME')
  return JSON.parse(text)
}
