import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, itemsOf, namesIn, readYaml, textsOf } from '../support/yaml.ts'
import { actionsOf, type Call, fillTemplate, isAllowed, resourcesOf } from './iam.ts'

const written = readYaml('resources/deploy-role.yml')

/** The template with values for its parameters and AWS's own. cfn-lint reports a parameter that is not declared. */
function fill(change: Readonly<Record<string, string>> = {}) {
  const template = fillTemplate(written, {
    Repository: 'octo-org/latchkey',
    Stage: 'dev',
    ApiId: '*',
    Domain: 'auth.example.com',
    KmsKeyId: 'none',
    CloudFormationRole: 'none',
    ...change,
  })
  const role = at(template, 'Resources', 'DeployRole', 'Properties')
  const documents = itemsOf(at(role, 'Policies')).map((policy) => at(policy, 'PolicyDocument'))
  const managed = textsOf(at(role, 'ManagedPolicyArns')).map((id) =>
    at(template, 'Resources', id, 'Properties', 'PolicyDocument'),
  )
  return {
    role,
    documents,
    managed,
    statements: [...documents, ...managed].flatMap((document) =>
      itemsOf(at(document, 'Statement')),
    ),
    boundary: at(template, 'Resources', 'Boundary', 'Properties', 'PolicyDocument'),
  }
}

const { role, statements, boundary } = fill()
const sidOf = (statement: unknown) => String(at(statement, 'Sid'))
const isUnbounded = (statement: unknown) => resourcesOf(statement).includes('*')

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

test('a parameter can be neither a pattern nor the prefix of another stage', () => {
  const accepts = (parameter: string) => (value: string) =>
    new RegExp(String(at(written, 'Parameters', parameter, 'AllowedPattern'))).test(value)
  const repositories = ['octo-org/latchkey', 'octo-org@123/latch.key_2@456']
  const patterns = ['*/latchkey', 'octo-org/*', 'octo-org', 'octo-org/latchkey:ref', 'a/b/c']
  assert.deepEqual([...repositories, ...patterns].filter(accepts('Repository')), repositories)
  // "deploy" would own the deploy role of each stage.
  const stages = ['prod', 'deploying', '*', 'dev-2', '', 'dev/x', 'deploy']
  assert.deepEqual(stages.filter(accepts('Stage')), ['prod', 'deploying'])
  assert.deepEqual(['*', 'a1b2', '', 'a/b', 'a*'].filter(accepts('ApiId')), ['*', 'a1b2'])
  assert.deepEqual(['*', 'a-1', '', 'a/b'].filter(accepts('KmsKeyId')), ['a-1'])
  assert.deepEqual(['*', 'a/b', '', 'a*'].filter(accepts('CloudFormationRole')), ['a/b'])
})

test('every statement allows named actions, and has its own name', () => {
  assert.equal(new Set(statements.map(sidOf)).size, statements.length)
  for (const statement of statements) {
    assert.equal(at(statement, 'Effect'), 'Allow', sidOf(statement))
    assert.equal(at(statement, 'NotAction') ?? at(statement, 'NotResource'), undefined)
    // A wildcard stands only for actions that read.
    const named = /^[a-z0-9-]+:([A-Za-z]+|(Get|GetFunction|Describe)\*)$/
    for (const action of actionsOf(statement)) assert.match(action, named, sidOf(statement))
  }
})

test('"*" is the resource only where AWS has no narrower one', () => {
  const unbounded = statements.filter(isUnbounded)
  const sids = 'TemplateSyntax AccessLogDelivery Subscriptions Look'
  assert.equal(unbounded.map(sidOf).join(' '), sids)
  const actions = unbounded.flatMap(actionsOf)
  const wide = /\b(iam|rds-data|s3):|\blambda:(?!GetAccountSettings\b)|GetSecretValue/
  assert.doesNotMatch(actions.join(' '), wide)
  for (const statement of unbounded.filter((each) => at(each, 'Condition') === undefined)) {
    const reads = /:(Describe|Get|List|Validate)\w*\*?$/
    for (const action of actionsOf(statement)) assert.match(action, reads, sidOf(statement))
  }
})

test("all other resources carry the stage's name, except those that AWS names", () => {
  const isElsewhere = (arn: string) => !/[:/]latchkey-dev([-/:]|$)/.test(arn)
  const elsewhere = statements.filter(
    (statement) => !isUnbounded(statement) && resourcesOf(statement).some(isElsewhere),
  )
  const sids =
    'OwnStack CloudFormationTakesRole MakeHttpApi TagNewHttpApi HttpApi HttpApiParts Domain ClusterDefaults MakeSecrets Secrets SigningKey MakeMasterSecret ReadMasterSecret Key Network NetworkOfTheStack ServiceRoles'
  assert.equal(elsewhere.map(sidOf).join(' '), sids)
  const unconditional = elsewhere.filter((each) => at(each, 'Condition') === undefined)
  assert.equal(unconditional.map(sidOf).join(' '), 'OwnStack TagNewHttpApi Domain ClusterDefaults')
})

const SERVICE = 'eu-central-1:000000000000'
const STACK_NAME = 'aws:ResourceTag/aws:cloudformation:stack-name'
const OWN = { [STACK_NAME]: 'latchkey-dev' }
const OTHER = { [STACK_NAME]: 'latchkey-prod' }
const VIA = { 'aws:CalledVia': 'cloudformation.amazonaws.com', 'aws:ViaAWSService': 'true' }
const BOUNDARY = { 'iam:PermissionsBoundary': 'Boundary' } // As `!Ref Boundary` is read here.
const ACCOUNT = { 'aws:ResourceAccount': 'AWS::AccountId' } // As `!Ref AWS::AccountId` is.
const TO_LAMBDA = { 'iam:PassedToService': 'lambda.amazonaws.com' }
const iam = (path: string) => `arn:aws:iam::000000000000:${path}`
const ROLE = iam('role/latchkey-dev-eu-central-1-lambdaRole')
const DEPLOY_ROLE = iam('role/latchkey-deploy-dev-eu-central-1')
const apis = (path: string) => `arn:aws:apigateway:eu-central-1::/${path}`
const ec2 = (path: string) => `arn:aws:ec2:${SERVICE}:${path}`
const cluster = (stage: string) => `arn:aws:rds:${SERVICE}:cluster:latchkey-${stage}`
const stack = (stage: string) => `arn:aws:cloudformation:${SERVICE}:stack/latchkey-${stage}/x`
const secret = (name: string) => `arn:aws:secretsmanager:${SERVICE}:secret:${name}`
const bucket = (stage: string) => `arn:aws:s3:::latchkey-${stage}-serverlessdeploymentbucket-a`
const file = (stage: string) => `${bucket(stage)}/serverless/latchkey/${stage}/x`
const tags = (api: string) =>
  apis(`tags/arn%3Aaws%3Aapigateway%3Aeu-central-1%3A%3A%2Fapis%2F${api}`)
const MASTER_SECRET = secret('rds!cluster-a')

test('the role may do what a deployment of its stage does', () => {
  const calls: readonly Call[] = [
    ['iam:CreateRole', ROLE, { ...BOUNDARY, ...VIA }],
    ['iam:PutRolePolicy', ROLE, { ...BOUNDARY, ...VIA }],
    ['iam:PutRolePermissionsBoundary', ROLE, { ...BOUNDARY, ...VIA }],
    ['iam:DeleteRole', ROLE],
    ['iam:PassRole', ROLE, TO_LAMBDA],
    ['apigateway:POST', apis('apis'), VIA],
    ['apigateway:POST', tags('new'), VIA],
    ['apigateway:TagResource', apis('apis')],
    ['apigateway:TagResource', apis('apis/own/stages')],
    ['apigateway:PATCH', apis('apis/own'), OWN],
    ['apigateway:DELETE', apis('apis/own'), OWN],
    ['apigateway:POST', apis('apis/own/routes'), VIA],
    ['apigateway:POST', apis('apis/own/stages'), VIA],
    ['apigateway:PATCH', apis('apis/own/integrations/i'), VIA],
    ['apigateway:PATCH', apis('domainnames/auth.example.com')],
    ['ec2:CreateVpc', ec2('vpc/new'), VIA],
    ['ec2:CreateTags', ec2('vpc/new'), VIA],
    ['ec2:CreateSubnet', ec2('vpc/v'), { ...OWN, ...VIA }],
    ['ec2:RevokeSecurityGroupEgress', ec2('security-group/s'), { ...OWN, ...VIA }],
    ['ec2:DeleteVpc', ec2('vpc/v'), OWN],
    ['cloudformation:UpdateTerminationProtection', stack('dev')],
    ['cloudformation:DescribeStacks', stack('deploy-role-dev')],
    ['logs:AssociateKmsKey', `arn:aws:logs:${SERVICE}:log-group:/aws/http-api/latchkey-dev`],
    ['s3:ListBucket', bucket('dev'), ACCOUNT],
    ['s3:PutObject', file('dev'), ACCOUNT],
    ['sns:Unsubscribe', '*', VIA],
    ['logs:PutMetricFilter', `arn:aws:logs:${SERVICE}:log-group:/aws/http-api/latchkey-dev`],
    // API Gateway calls these, RDS the next two: AWS documents aws:CalledVia for neither.
    ['logs:CreateLogDelivery', '*', { 'aws:ViaAWSService': 'true' }],
    ['logs:PutResourcePolicy', '*', { 'aws:ViaAWSService': 'true' }],
    ['secretsmanager:CreateSecret', MASTER_SECRET, { 'aws:ViaAWSService': 'true' }],
    ['secretsmanager:TagResource', MASTER_SECRET, { 'aws:ViaAWSService': 'true' }],
    ['secretsmanager:CreateSecret', secret('JwtSecret-new')],
    ['secretsmanager:TagResource', secret('JwtSecret-a'), OWN],
    ['secretsmanager:PutSecretValue', secret('JwtSecret-a'), OWN],
    ['secretsmanager:UpdateSecretVersionStage', secret('JwtSecret-a'), OWN],
    ['rds-data:ExecuteStatement', cluster('dev')],
    // tools/deploy/preflight.ts
    ['rds:DescribeDBClusters', cluster('dev')],
    ['rds:DescribeDBEngineVersions', '*'],
    ['lambda:GetAccountSettings', '*'],
    ['cloudformation:GetTemplate', stack('dev')],
  ]
  for (const call of calls) assert.ok(isAllowed(statements, call), call.join(' '))
})

test('the role may touch no other stage, not change itself, and make no role that could', () => {
  const iamActions = statements.flatMap(actionsOf).filter((action) => action.startsWith('iam:'))
  assert.ok(iamActions.length > 5)
  const calls: readonly Call[] = [
    ...iamActions.map(
      (action): Call => [action, DEPLOY_ROLE, { ...BOUNDARY, ...TO_LAMBDA, ...VIA }],
    ),
    ['iam:CreateRole', ROLE, VIA],
    ['iam:CreateRole', ROLE, BOUNDARY],
    ['iam:CreateRole', ROLE, { 'iam:PermissionsBoundary': iam('policy/own'), ...VIA }],
    ['iam:PutRolePolicy', ROLE, VIA],
    ['iam:PutRolePermissionsBoundary', ROLE, { 'iam:PermissionsBoundary': 'another', ...VIA }],
    ['iam:DeleteRolePermissionsBoundary', ROLE, { ...BOUNDARY, ...VIA }],
    ['iam:UpdateAssumeRolePolicy', ROLE, { ...BOUNDARY, ...VIA }],
    ['iam:AttachRolePolicy', ROLE, { ...BOUNDARY, ...VIA }],
    ['iam:CreatePolicyVersion', iam('policy/latchkey-boundary-dev-eu-central-1'), VIA],
    ['iam:CreatePolicyVersion', iam('policy/latchkey-deploy-role-dev-DatabasePermissions-A'), VIA],
    ['iam:CreateRole', iam('role/latchkey-prod-x'), { ...BOUNDARY, ...VIA }],
    ['iam:PassRole', ROLE],
    ['iam:PassRole', ROLE, { 'iam:PassedToService': 'ec2.amazonaws.com' }],
    ['sts:AssumeRole', ROLE],
    ['apigateway:DELETE', apis('apis/prod'), OTHER],
    ['apigateway:PATCH', apis('apis/prod'), OTHER],
    ['apigateway:PATCH', apis('apis/untagged')],
    ['apigateway:POST', tags('prod'), OTHER],
    ['apigateway:TagResource', apis('apis/prod'), OTHER],
    ['apigateway:PATCH', apis('apis/prod/integrations/i')],
    ['apigateway:POST', apis('apis/prod/routes')],
    ['apigateway:DELETE', apis('apis/prod/routes/r')],
    ['sns:SetSubscriptionAttributes', '*'],
    ['sns:Unsubscribe', '*'],
    ['sns:Unsubscribe', '*', { 'aws:ViaAWSService': 'true' }],
    ['logs:CreateLogDelivery', '*'],
    ['logs:DeleteLogDelivery', '*', { 'aws:ViaAWSService': 'false' }],
    ['logs:UpdateLogDelivery', '*'],
    ['logs:PutResourcePolicy', '*'],
    ['ec2:ModifyVpcAttribute', ec2('vpc/untagged')],
    ['ec2:CreateTags', ec2('vpc/untagged')],
    ['apigateway:POST', apis('domainnames/auth.example.org/apimappings')],
    ['ec2:CreateTags', ec2('vpc/prod'), { ...OTHER, ...VIA }],
    ['ec2:ModifyVpcAttribute', ec2('vpc/prod'), { ...OTHER, ...VIA }],
    ['ec2:AuthorizeSecurityGroupEgress', ec2('security-group/prod'), { ...OTHER, ...VIA }],
    ['ec2:AuthorizeSecurityGroupIngress', ec2('security-group/own'), OWN],
    ['ec2:CreateSubnet', ec2('vpc/prod'), { ...OTHER, ...VIA }],
    ['ec2:DeleteVpc', ec2('vpc/untagged')],
    ['secretsmanager:GetSecretValue', secret('JwtSecret-b'), OTHER],
    ['secretsmanager:PutSecretValue', secret('JwtSecret-b'), OTHER],
    ['secretsmanager:PutSecretValue', secret('AppSecret-a'), OWN],
    ['secretsmanager:TagResource', secret('JwtSecret-b'), { ...OTHER, ...VIA }],
    ['secretsmanager:TagResource', MASTER_SECRET],
    ['rds-data:ExecuteStatement', cluster('prod')],
    ['rds:ModifyDBCluster', cluster('prod')],
    ['lambda:UpdateFunctionCode', `arn:aws:lambda:${SERVICE}:function:latchkey-prod-auth`],
    ['cloudformation:UpdateStack', stack('prod')],
    ['s3:PutObject', file('prod'), ACCOUNT],
    ['s3:PutObject', file('dev'), { 'aws:ResourceAccount': '111111111111' }],
    ['s3:GetObject', file('dev'), { 'aws:ResourceAccount': '111111111111' }],
    ['s3:PutBucketPolicy', bucket('dev'), { 'aws:ResourceAccount': '111111111111' }],
    ['cloudformation:UpdateStack', stack('deploy-role-dev')],
  ]
  for (const call of calls) assert.ok(!isAllowed(statements, call), call.join(' '))
})

test('with the id of its API, the role may change the routes of no other', () => {
  const bound = fill({ ApiId: 'own' }).statements
  const mayPatch = (id: string) =>
    isAllowed(bound, ['apigateway:PATCH', apis(`apis/${id}/integrations/i`), VIA])
  assert.deepEqual([mayPatch('own'), mayPatch('prod')], [true, false])
})

test('with the ids of a key and a role, the role may use those, through their services', () => {
  const own = fill({ KmsKeyId: 'a-b', CloudFormationRole: 'path/cfn' })
  const key = (id: string) => `arn:aws:kms:${SERVICE}:key/${id}`
  const via = (service: string) => ({ 'kms:ViaService': `${service}.eu-central-1.amazonaws.com` })
  const toCloudFormation = { 'iam:PassedToService': 'cloudformation.amazonaws.com' }
  const calls: readonly Call[] = [
    ['kms:CreateGrant', key('a-b'), via('rds')],
    ['kms:GenerateDataKey', key('a-b'), via('secretsmanager')],
    ['kms:Decrypt', key('a-b'), via('secretsmanager')],
    ['iam:PassRole', iam('role/path/cfn'), toCloudFormation],
  ]
  for (const call of calls) {
    assert.ok(isAllowed(own.statements, call), call.join(' '))
    assert.ok(!isAllowed(statements, call), call.join(' '))
    assert.ok(!isAllowed(own.statements, [call[0], call[1]]), call.join(' '))
  }
  assert.ok(!isAllowed(own.statements, ['kms:Decrypt', key('c'), via('secretsmanager')]))
  assert.ok(!isAllowed(own.statements, ['kms:Decrypt', key('a-b'), via('s3')]))
  assert.ok(!isAllowed(own.statements, ['iam:PassRole', iam('role/path/cfn'), TO_LAMBDA]))
  assert.ok(!isAllowed(own.statements, ['iam:PassRole', iam('role/other'), toCloudFormation]))
  const decrypts = (id: string, name: string) =>
    isAllowed(itemsOf(at(own.boundary, 'Statement')), [
      'kms:Decrypt',
      key(id),
      { 'kms:EncryptionContext:SecretARN': secret(name) },
    ])
  assert.ok(decrypts('a-b', 'JwtSecret-a') && decrypts('a-b', 'AppSecret-a'))
  assert.ok(!decrypts('a-b', 'rds!cluster-a') && !decrypts('c', 'JwtSecret-a'))
})

test('the boundary allows what the function of a packaged stage may do, and nothing else', () => {
  const allowed = itemsOf(at(boundary, 'Statement'))
  const may = (...call: Call) => isAllowed(allowed, call)
  const log = `arn:aws:logs:${SERVICE}:log-group:/aws/lambda/latchkey-dev-auth:log-stream:x`
  assert.ok(may('rds-data:ExecuteStatement', cluster('dev')))
  for (const name of ['AppSecret-a', 'JwtSecret-a']) {
    assert.ok(may('secretsmanager:GetSecretValue', secret(name), OWN))
    assert.ok(!may('secretsmanager:GetSecretValue', secret(name), OTHER))
  }
  assert.ok(may('logs:PutLogEvents', log) && may('xray:PutTraceSegments', '*'))
  const packaged = readYaml('test/template/snapshots/prod.json')
  const lambdaRole = at(packaged, 'Resources', 'IamRoleLambdaExecution', 'Properties')
  const rights = itemsOf(at(lambdaRole, 'Policies', 0, 'PolicyDocument', 'Statement'))
  const namesOf = (list: readonly unknown[]) => list.flatMap(actionsOf).toSorted()
  const withKey = [...rights, { Action: 'kms:Decrypt' }]
  assert.deepEqual(namesOf(allowed), namesOf(withKey))
})

test("the policies are within IAM's 10,240 characters per role, and 6,144 per managed policy", () => {
  const longest = fill({
    'AWS::Region': 'ap-southeast-1',
    KmsKeyId: '0'.repeat(36),
    CloudFormationRole: 'r'.repeat(64),
  })
  const { length } = longest.documents.map((document) => JSON.stringify(document)).join('')
  assert.ok(length + 10 * longest.documents.length <= 10_240, `${length} characters`)
  for (const document of [longest.boundary, ...longest.managed]) {
    assert.ok(JSON.stringify(document).length <= 6144)
  }
})

test('every type of resource has its statements here: add to both when this fails', () => {
  const covered: Readonly<Record<string, readonly string[]>> = {
    AlarmTopic: ['SNS::Topic'],
    AlarmsAndDashboard: ['CloudWatch::Alarm', 'CloudWatch::Dashboard'],
    Cluster: ['RDS::DBCluster', 'RDS::DBInstance', 'RDS::DBSubnetGroup'],
    Domain: ['ApiGatewayV2::ApiMapping', 'ApiGatewayV2::DomainName'],
    LogGroups: ['Logs::LogGroup', 'Logs::MetricFilter'],
    Network: ['EC2::SecurityGroup', 'EC2::Subnet', 'EC2::VPC'],
    Secrets: ['SecretsManager::Secret'],
    Subscriptions: ['SNS::Subscription'],
  }
  const files = namesIn('resources').filter((name) => !/^(deploy-role|kms-key)/.test(name))
  const text = files.map((name) => JSON.stringify(readYaml(`resources/${name}`))).join()
  const types = new Set(text.match(/(?<="AWS::)\w+::\w+(?=")/g))
  assert.deepEqual([...types].toSorted(), Object.values(covered).flat().toSorted())
  for (const sid of Object.keys(covered)) assert.ok(statements.map(sidOf).includes(sid), sid)
})
