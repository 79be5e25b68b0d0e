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
  ApiId: '*',
  Domain: 'auth.example.com',
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
  assert.deepEqual(parameters, ['Repository', 'Stage', 'ApiId', 'Domain', 'GitHubProviderArn'])
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
  // "deploy" would own the deploy role of each stage.
  const stages = ['prod', 'deploying', '*', 'dev-2', '', 'dev/x', 'deploy']
  assert.deepEqual(stages.filter(accepts('Stage')), ['prod', 'deploying'])
  assert.deepEqual(['*', 'a1b2', '', 'a/b', 'a*'].filter(accepts('ApiId')), ['*', 'a1b2'])
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
    'MakeHttpApi HttpApi HttpApiParts Domain ClusterDefaults MakeSecrets Secrets SigningKey MakeMasterSecret ReadMasterSecret Network NetworkOfTheStack ServiceRoles'
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

const SERVICE = 'eu-central-1:000000000000'
const STACK_NAME = 'aws:ResourceTag/aws:cloudformation:stack-name'
const ofStack = (name: string) => ({ [STACK_NAME]: name })
const BOUNDARY = { 'iam:PermissionsBoundary': 'Boundary' } // As `!Ref Boundary` is read here.
const ROLE = 'arn:aws:iam::000000000000:role/latchkey-dev-eu-central-1-lambdaRole'
const apis = (path: string) => `arn:aws:apigateway:eu-central-1::/${path}`
const ec2 = (path: string) => `arn:aws:ec2:${SERVICE}:${path}`

type Keys = Readonly<Record<string, string>>
type Call = readonly [action: string, resource: string, keys?: Keys]

const matches = (pattern: string, text: string) =>
  new RegExp(`^${pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(
    text,
  )

/** The conditions that the documents use, of IAM's own (AWS, "IAM JSON policy elements: Condition operators"). */
const OPERATORS: Readonly<
  Record<string, (wanted: string[], found: string | undefined) => boolean>
> = {
  StringEquals: (wanted, found) => found !== undefined && wanted.includes(found),
  StringEqualsIfExists: (wanted, found) => found === undefined || wanted.includes(found),
  ArnEquals: (wanted, found) =>
    wanted.some((pattern) => found !== undefined && matches(pattern, found)),
}

/** Whether the statements allow a call; none of them denies. */
const isAllowed = (statements: readonly unknown[], [action, resource, keys = {}]: Call) =>
  statements.some(
    (statement) =>
      textsOf(at(statement, 'Action')).some((pattern) => matches(pattern, action)) &&
      resourcesOf(statement).some((pattern) => matches(pattern, resource)) &&
      entriesOf(at(statement, 'Condition')).every(([operator, tests]) =>
        entriesOf(tests).every(([key, wanted]) => {
          const test = OPERATORS[operator]
          assert.ok(test, operator)
          return test(textsOf(wanted), keys[key])
        }),
      ),
  )

/** The region of the calls below. */
const inRegion: unknown[] = JSON.parse(
  JSON.stringify(statements).replaceAll('ap-southeast-1', 'eu-central-1'),
)
const secret = (name: string) => `arn:aws:secretsmanager:${SERVICE}:secret:${name}`

test('the role may do what a deployment of its stage does', () => {
  for (const call of [
    ['iam:CreateRole', ROLE, BOUNDARY],
    ['iam:PutRolePolicy', ROLE, BOUNDARY],
    ['iam:PutRolePermissionsBoundary', ROLE, BOUNDARY],
    ['iam:DeleteRole', ROLE],
    ['iam:PassRole', ROLE, { 'iam:PassedToService': 'lambda.amazonaws.com' }],
    ['apigateway:POST', apis('apis')],
    ['apigateway:PATCH', apis('apis/own'), ofStack('latchkey-dev')],
    ['apigateway:DELETE', apis('apis/own'), ofStack('latchkey-dev')],
    ['apigateway:POST', apis('apis/own/routes')],
    ['apigateway:PATCH', apis('apis/own/integrations/i')],
    ['apigateway:PATCH', apis('domainnames/auth.example.com')],
    ['ec2:CreateVpc', ec2('vpc/new')],
    ['ec2:CreateSubnet', ec2('vpc/v'), ofStack('latchkey-dev')],
    ['ec2:RevokeSecurityGroupEgress', ec2('security-group/s'), ofStack('latchkey-dev')],
    ['ec2:DeleteVpc', ec2('vpc/v'), ofStack('latchkey-dev')],
    [
      'cloudformation:UpdateTerminationProtection',
      `arn:aws:cloudformation:${SERVICE}:stack/latchkey-dev/x`,
    ],
    ['secretsmanager:PutSecretValue', secret('JwtSecret-a'), ofStack('latchkey-dev')],
    ['secretsmanager:UpdateSecretVersionStage', secret('JwtSecret-a'), ofStack('latchkey-dev')],
    ['rds-data:ExecuteStatement', `arn:aws:rds:${SERVICE}:cluster:latchkey-dev`],
  ] as const) {
    assert.ok(isAllowed(inRegion, call), call.join(' '))
  }
})

test('the role may touch no other stage, and make no role that could', () => {
  const another = ofStack('latchkey-prod')
  for (const call of [
    ['iam:CreateRole', ROLE],
    ['iam:CreateRole', ROLE, { 'iam:PermissionsBoundary': 'arn:aws:iam::000000000000:policy/own' }],
    ['iam:PutRolePolicy', ROLE],
    ['iam:PutRolePermissionsBoundary', ROLE, { 'iam:PermissionsBoundary': 'another' }],
    ['iam:DeleteRolePermissionsBoundary', ROLE, BOUNDARY],
    ['iam:UpdateAssumeRolePolicy', ROLE, BOUNDARY],
    ['iam:AttachRolePolicy', ROLE, BOUNDARY],
    [
      'iam:CreatePolicyVersion',
      'arn:aws:iam::000000000000:policy/latchkey-boundary-dev-eu-central-1',
    ],
    [
      'iam:PutRolePolicy',
      'arn:aws:iam::000000000000:role/latchkey-deploy-dev-eu-central-1',
      BOUNDARY,
    ],
    ['iam:CreateRole', 'arn:aws:iam::000000000000:role/latchkey-prod-x', BOUNDARY],
    ['iam:PassRole', ROLE, { 'iam:PassedToService': 'ec2.amazonaws.com' }],
    ['sts:AssumeRole', ROLE],
    ['apigateway:DELETE', apis('apis/prod'), another],
    ['apigateway:PATCH', apis('apis/prod'), another],
    ['apigateway:PATCH', apis('apis/somebodys')],
    ['apigateway:POST', apis('domainnames/auth.example.org/apimappings')],
    ['ec2:CreateTags', ec2('vpc/prod'), another],
    ['ec2:ModifyVpcAttribute', ec2('vpc/prod'), another],
    ['ec2:AuthorizeSecurityGroupEgress', ec2('security-group/prod'), another],
    ['ec2:AuthorizeSecurityGroupIngress', ec2('security-group/own'), ofStack('latchkey-dev')],
    ['ec2:CreateSubnet', ec2('vpc/prod'), another],
    ['ec2:DeleteVpc', ec2('vpc/somebodys')],
    ['secretsmanager:GetSecretValue', secret('JwtSecret-b'), another],
    ['secretsmanager:PutSecretValue', secret('JwtSecret-b'), another],
    ['secretsmanager:PutSecretValue', secret('AppSecret-a'), ofStack('latchkey-dev')],
    ['rds-data:ExecuteStatement', `arn:aws:rds:${SERVICE}:cluster:latchkey-prod`],
    ['rds:ModifyDBCluster', `arn:aws:rds:${SERVICE}:cluster:latchkey-prod`],
    ['lambda:UpdateFunctionCode', `arn:aws:lambda:${SERVICE}:function:latchkey-prod-auth`],
    ['cloudformation:UpdateStack', `arn:aws:cloudformation:${SERVICE}:stack/latchkey-prod/x`],
    [
      's3:PutObject',
      'arn:aws:s3:::latchkey-prod-serverlessdeploymentbucket-a/serverless/latchkey/prod/x',
    ],
  ] as const) {
    assert.ok(!isAllowed(inRegion, call), call.join(' '))
  }
})

test('with the id of its API, the role may change the routes of no other', () => {
  const text = JSON.stringify(written).replace(/\$\{([\w:]+)\}/g, (reference, name) =>
    name === 'ApiId' ? 'own' : fill(reference, name),
  )
  const policies = itemsOf(
    at(JSON.parse(text), 'Resources', 'DeployRole', 'Properties', 'Policies'),
  )
  const bound = policies.flatMap((policy) => itemsOf(at(policy, 'PolicyDocument', 'Statement')))
  const integration = (id: string): Call => [
    'apigateway:PATCH',
    apis(`apis/${id}/integrations/i`).replace('eu-central-1', 'ap-southeast-1'),
  ]
  assert.deepEqual(
    [isAllowed(bound, integration('own')), isAllowed(bound, integration('prod'))],
    [true, false],
  )
})

test('the boundary lets the function of a packaged stage do its work, and nothing else', () => {
  const boundary = itemsOf(
    at(template, 'Resources', 'Boundary', 'Properties', 'PolicyDocument', 'Statement'),
  )
  const text = JSON.stringify(boundary).replaceAll('ap-southeast-1', 'eu-central-1')
  const may = (...call: Call) => isAllowed(JSON.parse(text), call)
  const log = `arn:aws:logs:${SERVICE}:log-group:/aws/lambda/latchkey-dev-auth:log-stream:x`
  assert.ok(may('rds-data:ExecuteStatement', `arn:aws:rds:${SERVICE}:cluster:latchkey-dev`))
  for (const name of ['AppSecret-a', 'JwtSecret-a']) {
    assert.ok(may('secretsmanager:GetSecretValue', secret(name), ofStack('latchkey-dev')))
    assert.ok(!may('secretsmanager:GetSecretValue', secret(name), ofStack('latchkey-prod')))
  }
  assert.ok(may('logs:PutLogEvents', log) && may('xray:PutTraceSegments', '*'))
  // Each right that the function's policy has in the templates.
  const packaged = readYaml('test/template/snapshots/prod.json')
  const rights = itemsOf(
    at(
      packaged,
      'Resources',
      'IamRoleLambdaExecution',
      'Properties',
      'Policies',
      0,
      'PolicyDocument',
      'Statement',
    ),
  ).flatMap((statement) => textsOf(at(statement, 'Action')))
  const allowed = boundary.flatMap((statement) => textsOf(at(statement, 'Action')))
  assert.deepEqual(
    rights.filter((action) => !allowed.includes(action)),
    [],
  )
  assert.deepEqual(
    allowed.filter((action) => !rights.includes(action)),
    [],
  )
  assert.ok(JSON.stringify(boundary).length <= 6144)
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
    'AWS::ApiGatewayV2::ApiMapping': 'Domain',
    'AWS::ApiGatewayV2::DomainName': 'Domain',
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
