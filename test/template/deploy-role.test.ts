import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, entriesOf, itemsOf, namesIn, readYaml, textsOf } from '../support/yaml.ts'

/** The parameters and AWS's own values, as they may be; the region has the longest name there is. */
const VALUES: Readonly<Record<string, string>> = {
  'AWS::AccountId': '000000000000',
  'AWS::Partition': 'aws',
  'AWS::Region': 'ap-southeast-1',
  Repository: 'octo-org/latchkey',
  Stage: 'dev',
}

const written = readYaml('resources/deploy-role.yml')
const fill = (reference: string, name: string) => VALUES[name] ?? reference
const template: unknown = JSON.parse(JSON.stringify(written).replace(/\$\{([\w:]+)\}/g, fill))
const role = at(template, 'Resources', 'DeployRole', 'Properties')
const documents = itemsOf(at(role, 'Policies')).map((policy) => at(policy, 'PolicyDocument'))
const statements = documents.flatMap((document) => itemsOf(at(document, 'Statement')))
const sidOf = (statement: unknown) => String(at(statement, 'Sid'))
const resourcesOf = (statement: unknown) => textsOf(at(statement, 'Resource'))
const isUnbounded = (statement: unknown) => resourcesOf(statement).includes('*')

test('every parameter that is referred to is there', () => {
  assert.doesNotMatch(JSON.stringify(template), /\$\{/)
  const parameters = entriesOf(at(written, 'Parameters')).map(([name]) => name)
  assert.deepEqual(parameters, ['Repository', 'Stage', 'GitHubProviderArn'])
})

test("only GitHub's token for the repository's environment gets the role", () => {
  assert.deepEqual(at(role, 'AssumeRolePolicyDocument', 'Statement'), [
    {
      Effect: 'Allow',
      Principal: { Federated: ['MakeProvider', 'GitHubProvider', 'GitHubProviderArn'] },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: {
          'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
          'token.actions.githubusercontent.com:sub': 'repo:octo-org/latchkey:environment:dev',
        },
      },
    },
  ])
})

test('neither the repository nor the stage can be a pattern, or a stage another one begins with', () => {
  const accepts = (parameter: string) => (value: string) =>
    new RegExp(String(at(template, 'Parameters', parameter, 'AllowedPattern'))).test(value)
  const repositories = ['octo-org/latchkey', 'octo-org@123/latch.key_2@456']
  const patterns = ['*/latchkey', 'octo-org/*', 'octo-org', 'octo-org/latchkey:ref', 'a/b/c']
  assert.deepEqual([...repositories, ...patterns].filter(accepts('Repository')), repositories)
  assert.deepEqual(['prod', '*', 'dev-2', '', 'dev/x'].filter(accepts('Stage')), ['prod'])
})

test('every statement allows named actions, and has a name of its own', () => {
  assert.equal(new Set(statements.map(sidOf)).size, statements.length)
  for (const statement of statements) {
    assert.equal(at(statement, 'Effect'), 'Allow', sidOf(statement))
    assert.equal(at(statement, 'NotAction') ?? at(statement, 'NotResource'), undefined)
    const actions = textsOf(at(statement, 'Action'))
    assert.deepEqual(actions, actions.toSorted(), sidOf(statement))
    // A wildcard only stands for what reads.
    const named = /^[a-z0-9-]+:([A-Za-z]+|(Get|GetFunction|Describe)\*)$/
    for (const action of actions) assert.match(action, named, sidOf(statement))
  }
})

test('"*" is the resource only of what AWS knows no narrower one for', () => {
  const unbounded = statements.filter(isUnbounded)
  const sids = 'TemplateSyntax AccessLogDelivery SubscriptionsAndAlarmStates Look'
  assert.equal(unbounded.map(sidOf).join(' '), sids)
  const actions = unbounded.flatMap((statement) => textsOf(at(statement, 'Action')))
  assert.doesNotMatch(actions.join(' '), /\b(iam|rds-data|lambda|s3):|GetSecretValue/)
})

test("all else is held to the stage's names, but for what AWS names itself", () => {
  const isElsewhere = (arn: string) => !/[:/]latchkey-dev([-/:]|$)/.test(arn)
  const elsewhere = statements.filter(
    (statement) => !isUnbounded(statement) && resourcesOf(statement).some(isElsewhere),
  )
  const sids =
    'HttpApi ClusterDefaults MakeSecrets Secrets SigningKey MakeMasterSecret ReadMasterSecret Network NetworkOfTheStack ServiceRoles'
  assert.equal(elsewhere.map(sidOf).join(' '), sids)
  for (const sid of [
    'Secrets',
    'SigningKey',
    'ReadMasterSecret',
    'NetworkOfTheStack',
    'ServiceRoles',
  ]) {
    const statement = statements.find((candidate) => sidOf(candidate) === sid)
    assert.equal(entriesOf(at(statement, 'Condition')).length, 1, sid)
  }
})

test('the role can neither change itself nor pass a role to anything but Lambda', () => {
  const name = String(at(role, 'RoleName'))
  for (const statement of statements) {
    if (!textsOf(at(statement, 'Action')).some((action) => action.startsWith('iam:'))) continue
    for (const arn of resourcesOf(statement)) {
      const prefix = arn.replace(/^.*:role\//, '').replace(/\*$/, '')
      assert.ok(!name.startsWith(prefix), `${sidOf(statement)} covers ${name}`)
    }
  }
  const passing = statements.filter((statement) =>
    textsOf(at(statement, 'Action')).includes('iam:PassRole'),
  )
  assert.deepEqual(
    passing.map((statement) => at(statement, 'Condition')),
    [{ StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } }],
  )
})

test("the policies are within IAM's 10,240 characters for a role", () => {
  const { length } = documents.map((document) => JSON.stringify(document)).join('')
  assert.ok(length + 10 * documents.length <= 10_240, `${length} characters`)
})

test('every type of resource has its statements here: add to both when this fails', () => {
  const covered: Readonly<Record<string, string>> = {
    'AWS::CloudWatch::Alarm': 'AlarmsAndDashboard',
    'AWS::CloudWatch::Dashboard': 'AlarmsAndDashboard',
    'AWS::EC2::SecurityGroup': 'Network',
    'AWS::EC2::Subnet': 'Network',
    'AWS::EC2::VPC': 'Network',
    'AWS::Logs::LogGroup': 'LogGroups',
    'AWS::RDS::DBCluster': 'Cluster',
    'AWS::RDS::DBInstance': 'Cluster',
    'AWS::RDS::DBSubnetGroup': 'Cluster',
    'AWS::SNS::Subscription': 'SubscriptionsAndAlarmStates',
    'AWS::SNS::Topic': 'AlarmTopic',
    'AWS::SecretsManager::Secret': 'Secrets',
  }
  const files = namesIn('resources').filter((name) => name !== 'deploy-role.yml')
  const text = files.map((name) => JSON.stringify(readYaml(`resources/${name}`))).join()
  const types = new Set(text.match(/(?<=")AWS::\w+::\w+(?=")/g))
  assert.deepEqual([...types].toSorted(), Object.keys(covered).toSorted())
  for (const sid of Object.values(covered)) assert.ok(statements.map(sidOf).includes(sid), sid)
})
