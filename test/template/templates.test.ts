import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkParams, deployedParams } from '../../tools/deploy/params.ts'
import { readStageTable } from '../../tools/deploy/stage.ts'
import { copyService } from '../support/service-copy.ts'
import { at, entriesOf, itemsOf, readText, readYaml } from '../support/yaml.ts'
import { fillTemplate, isAllowed } from './iam.ts'
import {
  lintTemplate,
  type Package,
  packageIn,
  packageStage,
  propertiesOf,
  resourcesOf,
} from './template.ts'

const stages = readYaml('resources/stages.yml')

const SNAPSHOT = new URL('snapshots/prod.json', import.meta.url)

/** Derives dev's template from prod's: the values of dev in resources/stages.yml, and no reader. */
function devTemplate(prod: string): unknown {
  const template = JSON.parse(prod.replaceAll(/\bprod\b/g, 'dev'))
  const dev: ReadonlyMap<string, unknown> = new Map(entriesOf(at(stages, 'dev')))
  const { DatabaseReader: _, ...resources } = template.Resources
  for (const id of ['AuthLogGroup', 'HttpApiLogGroup', 'DatabaseLogGroup']) {
    resources[id].Properties.RetentionInDays = dev.get('logRetentionDays')
  }
  resources.AuthLambdaFunction.Properties.ReservedConcurrentExecutions =
    dev.get('reservedConcurrency')
  resources.HttpApiStage.Properties.RouteSettings = dev.get('throttles')
  Object.assign(resources.DatabaseCluster.Properties, {
    BackupRetentionPeriod: dev.get('backupDays'),
    DeletionProtection: dev.get('deletionProtection'),
    ServerlessV2ScalingConfiguration: {
      MinCapacity: dev.get('minCapacity'),
      MaxCapacity: dev.get('maxCapacity'),
      SecondsUntilAutoPause: dev.get('autoPauseSeconds'),
    },
  })
  return { ...template, Resources: resources }
}

const TOPIC = [{ Ref: 'AlarmTopic' }]
const policy = (name: string) => ({ DeletionPolicy: name, UpdateReplacePolicy: name })

/** Rules that every resource of a type keeps, also one that is added: the snapshot would take it as it is. */
const RULES: Readonly<Record<string, object>> = {
  'AWS::CloudWatch::Alarm': { Properties: { AlarmActions: TOPIC, OKActions: TOPIC } },
  'AWS::EC2::SecurityGroup': { Properties: { SecurityGroupEgress: [{ CidrIp: '127.0.0.1/32' }] } },
  'AWS::Lambda::Permission': { Properties: { Principal: 'apigateway.amazonaws.com' } },
  'AWS::Logs::LogGroup': policy('Delete'),
  'AWS::RDS::DBCluster': {
    ...policy('Snapshot'),
    Properties: { ManageMasterUserPassword: true, StorageEncrypted: true },
  },
  'AWS::RDS::DBInstance': { ...policy('Delete'), Properties: { PubliclyAccessible: false } },
  'AWS::SecretsManager::Secret': {
    ...policy('Delete'),
    Properties: { GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true } },
  },
}

// prod first: it writes the snapshot that dev is compared with.
for (const stage of ['prod', 'dev']) {
  test(`${stage} is packaged without credentials, and equals the snapshot`, async (t) => {
    const packaged = await packageStage(t, stage)
    await lintTemplate(t, packaged)
    assert.deepEqual(packaged.zipEntries, ['.build/auth.cjs'])
    const text = JSON.stringify(packaged.template, null, 2).replaceAll(/\d{13}-[\dT:.-]+Z/g, 'TIME')
    // UPDATE_SNAPSHOTS=1 npm run test:templates writes it; the diff of the commit shows the changes.
    if (stage === 'prod' && process.env['UPDATE_SNAPSHOTS']) writeFileSync(SNAPSHOT, `${text}\n`)
    const prod = readFileSync(SNAPSHOT, 'utf8')
    assert.deepEqual(JSON.parse(text), stage === 'prod' ? JSON.parse(prod) : devTemplate(prod))
  })

  test(`${stage}: a deployment of the same row undoes no parameter, with or without a record`, async (t) => {
    const { template } = await packageStage(t, stage)
    const { Metadata, ...earlier } = template
    assert.deepEqual(Metadata, { Params: '' })
    const now = { settings: readStageTable(stage), given: {}, reset: [] }
    for (const deployed of [template, earlier]) checkParams(deployed, now)
  })

  test(`${stage}: the function may run statements on its cluster and read its two secrets`, async (t) => {
    const packaged = await packageStage(t, stage)
    const role = propertiesOf(packaged, 'AWS::IAM::Role')
    assert.equal(role['ManagedPolicyArns'], undefined)
    const [policy, ...others] = itemsOf(role['Policies'])
    assert.deepEqual(others, [])
    const rights = itemsOf(at(policy, 'PolicyDocument', 'Statement')).map((statement) => {
      const { Effect, Action, Resource, ...more } = Object(statement)
      assert.deepEqual([Effect, more], ['Allow', {}])
      const resources = JSON.stringify([Resource].flat())
      return `${[Action].flat().join()} ${resources.replaceAll(/.*:log-group:([^"]*)".*/g, '$1')}`
    })
    assert.deepEqual(rights, [
      // Not CreateLogGroup: a late line would bring the stack's group back after a removal.
      `logs:CreateLogStream,logs:PutLogEvents /aws/lambda/latchkey-${stage}-*`,
      'rds-data:ExecuteStatement [{"Fn::GetAtt":["DatabaseCluster","DBClusterArn"]}]',
      'secretsmanager:GetSecretValue [{"Ref":"AppSecret"},{"Ref":"JwtSecret"}]',
      'xray:PutTelemetryRecords,xray:PutTraceSegments ["*"]',
    ])
  })

  test(`${stage}: each resource keeps the rules of its type, and the template holds no secret`, async (t) => {
    const packaged = await packageStage(t, stage)
    for (const [type, rules] of Object.entries(RULES)) {
      const resources = resourcesOf(packaged, type)
      assert.ok(resources.length > 0, type)
      for (const resource of resources) assert.partialDeepStrictEqual(resource, rules, type)
    }
    for (const { Properties } of resourcesOf(packaged, 'AWS::SecretsManager::Secret')) {
      assert.equal(Properties['Name'], undefined, 'A fixed name stays taken after a removal.')
    }
    const { template } = packaged
    const text = JSON.stringify(template)
    assert.doesNotMatch(text, /\{\{resolve:|"(MasterUserPassword|SecretString|JWT_SECRET)"|NoEcho/)
    // A gateway, a route or a rule could open the network, and a policy or a permission grant more.
    assert.doesNotMatch(text, /"SecurityGroupIngress"/)
    const types = new Set(text.match(/(?<="Type":"AWS::)(EC2|IAM|\w+)::\w*/g))
    const opening = [...types].filter((type) => /^EC2|^IAM|Policy$|Permission$/.test(type))
    assert.deepEqual(opening.toSorted(), [
      'EC2::SecurityGroup',
      'EC2::Subnet',
      'EC2::VPC',
      'IAM::Role',
      'Lambda::Permission',
      'S3::BucketPolicy',
    ])
  })

  test(`${stage}: the limits of routes wait for each route, the dashboard has every alarm and metric, and the runbook every alarm`, async (t) => {
    const packaged = await packageStage(t, stage)
    const namesOf = (type: string) =>
      entriesOf(packaged.template.Resources).flatMap(([name, resource]) =>
        at(resource, 'Type') === type ? [name] : [],
      )
    const [stageOfApi] = resourcesOf(packaged, 'AWS::ApiGatewayV2::Stage')
    const before = new Set([stageOfApi?.DependsOn ?? []].flat())
    for (const name of namesOf('AWS::ApiGatewayV2::Route')) assert.ok(before.has(name), name)

    const { DashboardBody: body } = propertiesOf(packaged, 'AWS::CloudWatch::Dashboard')
    const text = String(at(body, 'Fn::Sub'))
    JSON.parse(text)
    const runbook = readText('docs/runbook.md')
    for (const name of namesOf('AWS::CloudWatch::Alarm')) {
      assert.ok(text.includes(`\${${name}.Arn}`), name)
      assert.ok(runbook.includes(`\n### ${name.replace(/Alarm$/, '')}\n`), name)
    }
    const telemetry = readText('lib/http/telemetry.ts')
    const metrics = [...telemetry.matchAll(/(?:addMetric|count)\('(\w+)'/g)].map(([, name]) => name)
    assert.ok(metrics.length >= 6)
    for (const name of metrics) assert.ok(text.includes(`${name}`), name)
  })
}

/** Fails unless the template records the parameters, and those of an earlier release are found without the record. */
function assertRecorded({ template }: Package, given: Readonly<Record<string, string>>): void {
  const { Metadata, ...earlier } = template
  const texts = Object.entries(given).map(([name, value]) => `${name}=${value}`)
  assert.deepEqual(Metadata, { Params: texts })
  assert.deepEqual(deployedParams(template), given)
  // The preflight has a check of its own for this one.
  const { engineVersion: _, ...visible } = given
  assert.partialDeepStrictEqual(deployedParams(earlier), visible)
}

test('the alarm on throttles counts the 429 of API Gateway and not that of the function', async (t) => {
  const packaged = await packageStage(t, 'dev')
  const [stage] = resourcesOf(packaged, 'AWS::ApiGatewayV2::Stage')
  const format = String(at(stage?.Properties, 'AccessLogSettings', 'Format'))
  const filter = propertiesOf(packaged, 'AWS::Logs::MetricFilter')
  const terms = String(filter['FilterPattern']).slice('{ '.length, -' }'.length).split(' && ')
  /** Counts a request of which API Gateway knows these values; it logs "-" for any other. */
  const counts = (known: Readonly<Record<string, string>>) => {
    const line = JSON.parse(
      format.replaceAll(/\$context\.([\w.]+)/g, (_, name) => known[name] ?? '-'),
    )
    return terms.every((term) => {
      const [, field = '', value] = /^\$\.(\w+) = "(.*)"$/.exec(term) ?? []
      assert.notEqual(line[field], undefined, term)
      return line[field] === value
    })
  }
  assert.ok(counts({ status: '429', requestId: 'a', routeKey: 'POST /auth/sign-in' }))
  const reached = { integrationLatency: '412', awsEndpointRequestId: 'b' }
  assert.ok(!counts({ status: '429', ...reached }))
  assert.ok(!counts({ status: '404' }))
  assert.deepEqual(filter['LogGroupName'], { Ref: 'HttpApiLogGroup' })
  const [metric] = itemsOf(filter['MetricTransformations'])
  assert.deepEqual(at(metric, 'MetricValue'), '1')
  const { ApiThrottlesAlarm: alarm } = packaged.template.Resources
  const { Namespace, MetricName, Dimensions } = Object(alarm?.Properties)
  const names = [at(metric, 'MetricNamespace'), at(metric, 'MetricName'), undefined]
  assert.deepEqual([Namespace, MetricName, Dimensions], names)
  const dashboard = JSON.stringify(propertiesOf(packaged, 'AWS::CloudWatch::Dashboard'))
  assert.ok(dashboard.includes(`[\\"${Namespace}\\", \\"${MetricName}\\"`))
})

const params = {
  alarmEmail: 'alarms@example.com',
  bcryptCost: '11',
  corsOrigins: 'https://a.example,https://b.example',
  databaseName: 'people',
  engineVersion: '17.6',
  jwtAudience: 'shop',
  jwtIssuer: 'https://issuer.example',
  jwtTtlSeconds: '60',
  passwordMinLength: '12',
  permissionsBoundary: 'arn:aws:iam::000000000000:policy/latchkey-boundary-dev',
}

test('--param sets what resources/stages.yml leaves open', async (t) => {
  const packaged = await packageStage(t, 'dev', params)
  await lintTemplate(t, packaged)
  assertRecorded(packaged, params)
  const lambda = propertiesOf(packaged, 'AWS::Lambda::Function')
  assert.partialDeepStrictEqual(at(lambda, 'Environment', 'Variables'), {
    BCRYPT_COST: params.bcryptCost,
    DB_NAME: params.databaseName,
    JWT_AUDIENCE: params.jwtAudience,
    JWT_ISSUER: params.jwtIssuer,
    JWT_TTL_SECONDS: params.jwtTtlSeconds,
    PASSWORD_MIN_LENGTH: params.passwordMinLength,
  })
  const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
  assert.equal(cluster['EngineVersion'], params.engineVersion)
  assert.equal(cluster['DatabaseName'], params.databaseName)
  const api = propertiesOf(packaged, 'AWS::ApiGatewayV2::Api')
  const origins = { 'Fn::Split': [',', params.corsOrigins] }
  assert.deepEqual(at(api, 'CorsConfiguration', 'AllowOrigins'), origins)
  const { PermissionsBoundary } = propertiesOf(packaged, 'AWS::IAM::Role')
  assert.equal(PermissionsBoundary, params.permissionsBoundary)
  const address = at(packaged.template, 'Parameters', 'AlarmEmail', 'Default')
  assert.equal(address, params.alarmEmail)
})

const company = {
  tags: { CostCenter: '42', Owner: 'identity' },
  kmsKeyArn: 'arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-4000-8000-000000000000',
  cloudFormationRole: 'arn:aws:iam::000000000000:role/cloudformation',
  permissionsBoundary: params.permissionsBoundary,
}

/** The property that names the key of each type whose data the stage encrypts. */
const KEYS: Readonly<Record<string, string>> = {
  'AWS::Logs::LogGroup': 'KmsKeyId',
  'AWS::RDS::DBCluster': 'KmsKeyId',
  'AWS::SNS::Topic': 'KmsMasterKeyId',
  'AWS::SecretsManager::Secret': 'KmsKeyId',
}

test('tags, a role of CloudFormation and a key are those of the stage, and the function may decrypt its secrets', async (t) => {
  const folder = copyService(t)
  // JSON is YAML.
  const row = `\ncompany:\n  <<: [*dev, ${JSON.stringify(company)}]\n`
  appendFileSync(`${folder}/resources/stages.yml`, row)
  const packaged = await packageIn(folder, 'company')
  await lintTemplate(t, packaged)
  assert.deepEqual(packaged.provider['stackTags'], company.tags)
  assert.equal(at(packaged.provider['iam'], 'deploymentRole'), company.cloudFormationRole)

  const key = { Ref: 'KmsKeyArn' }
  const { Default: arn, AllowedPattern: pattern } = Object(
    at(packaged.template, 'Parameters', key.Ref),
  )
  assert.equal(arn, company.kmsKeyArn)
  assert.match(arn, new RegExp(pattern))
  assert.doesNotMatch(arn.replace('key/', 'alias/'), new RegExp(pattern))
  for (const [type, property] of Object.entries(KEYS)) {
    for (const { Properties } of resourcesOf(packaged, type)) {
      assert.deepEqual(Properties[property], key, type)
    }
  }
  const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
  assert.deepEqual(cluster['MasterUserSecret'], { KmsKeyId: key })
  const role = propertiesOf(packaged, 'AWS::IAM::Role')
  assert.equal(role['PermissionsBoundary'], company.permissionsBoundary)
  const [own, decrypt, ...more] = itemsOf(role['Policies'])
  const dev = propertiesOf(await packageStage(t, 'dev'), 'AWS::IAM::Role')
  assert.deepEqual(JSON.parse(JSON.stringify([own]).replaceAll('company', 'dev')), dev['Policies'])
  assert.deepEqual(more, [])
  assert.deepEqual(at(decrypt, 'PolicyDocument', 'Statement'), [
    {
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: key,
      Condition: {
        StringEquals: {
          'kms:EncryptionContext:SecretARN': [{ Ref: 'AppSecret' }, { Ref: 'JwtSecret' }],
        },
      },
    },
  ])

  // The policy of resources/kms-key.yml.
  const template = fillTemplate(readYaml('resources/kms-key.yml'), { Stage: 'company' })
  const statements = itemsOf(
    at(template, 'Resources', 'Key', 'Properties', 'KeyPolicy', 'Statement'),
  )
  const mayUse = (service: string, context: string, path: string) =>
    ['kms:Decrypt', 'kms:GenerateDataKey'].every((action) =>
      isAllowed(
        statements.filter((each) => at(each, 'Principal', 'Service') === service),
        [action, '*', { [context]: `arn:aws:${path}` }],
      ),
    )
  const logs = (name: unknown) =>
    mayUse(
      'logs.eu-central-1.amazonaws.com',
      'kms:EncryptionContext:aws:logs:arn',
      `logs:eu-central-1:000000000000:log-group:${name}`,
    )
  const alarm = (stage: string) =>
    mayUse(
      'cloudwatch.amazonaws.com',
      'aws:SourceArn',
      `cloudwatch:eu-central-1:000000000000:alarm:latchkey-${stage}-Alarm`,
    )
  for (const { Properties } of resourcesOf(packaged, 'AWS::Logs::LogGroup')) {
    const name = String(Properties['LogGroupName'])
    assert.ok(logs(name) && !logs(name.replace('company', 'prod')), name)
  }
  assert.ok(alarm('company') && !alarm('prod'))
})

// biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it.
const DOMAIN = { 'Fn::Sub': 'https://${DomainName}' }

test('with a domain, the URL and the issuer follow it', async (t) => {
  const own = {
    signing: 'rs256',
    domain: 'auth.example.com',
    certificateArn: `arn:aws:acm:eu-central-1:000000000000:certificate/${'0'.repeat(8)}`,
  }
  const packaged = await packageStage(t, 'dev', own)
  const { template } = packaged
  await lintTemplate(t, packaged)
  assertRecorded(packaged, own)
  assert.equal(at(template, 'Parameters', 'CertificateArn', 'Default'), own.certificateArn)
  assert.equal(at(template, 'Parameters', 'DomainName', 'Default'), own.domain)
  const lambda = propertiesOf(packaged, 'AWS::Lambda::Function')
  const issuer = at(lambda, 'Environment', 'Variables', 'JWT_ISSUER')
  assert.deepEqual(at(issuer, 'Fn::If', 1), DOMAIN)
  assert.deepEqual(at(template, 'Outputs', 'JwtIssuer', 'Value'), issuer)
  const url = { 'Fn::Join': ['', [issuer, '/auth/sign-up']] }
  assert.deepEqual(at(template, 'Outputs', 'SignUpUrl', 'Value'), url)
})

test('a template for another region does not name the default region', async (t) => {
  const { template } = await packageIn(copyService(t), 'dev', ['--region', 'us-east-1'])
  assert.doesNotMatch(JSON.stringify(template), /eu-central-1/)
})

for (const own of [{}, { jwtIssuer: 'https://id.example', jwtAudience: 'shop' }]) {
  const what = Object.keys(own).length > 0 ? 'given claims' : 'the API and the stage as claims'
  test(`with signing=rs256 and ${what}, the claims are exported, and the key's secret is the same`, async (t) => {
    const packaged = await packageStage(t, 'dev', { signing: 'rs256', ...own })
    const { template } = packaged
    await lintTemplate(t, packaged)
    assertRecorded(packaged, { signing: 'rs256', ...own })
    const lambda = propertiesOf(packaged, 'AWS::Lambda::Function')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it.
    const api = { 'Fn::Sub': 'https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}' }
    const url = { 'Fn::If': ['HasDomain', DOMAIN, api] }
    const { jwtIssuer: issuer = url, jwtAudience: audience = 'dev' } = own
    assert.partialDeepStrictEqual(at(lambda, 'Environment', 'Variables'), {
      JWT_ALGORITHM: 'RS256',
      JWT_ISSUER: issuer,
      JWT_AUDIENCE: audience,
    })
    const exported = (name: string) => {
      const { Value, Export } = Object(at(template, 'Outputs', name))
      return [Value, Object(Export).Name]
    }
    assert.deepEqual(exported('JwtIssuer'), [issuer, 'latchkey-dev-JwtIssuer'])
    assert.deepEqual(exported('JwtAudience'), [audience, 'latchkey-dev-JwtAudience'])
    assert.deepEqual(exported('HttpApiId'), [{ Ref: 'HttpApi' }, 'sls-latchkey-dev-HttpApiId'])
    assert.equal(exported('JwtAlgorithm')[0], 'RS256')
    // Else a deployment could replace the RSA key that is in it.
    const { template: hs256 } = await packageStage(t, 'dev')
    assert.deepEqual(template.Resources['JwtSecret'], hs256.Resources['JwtSecret'])
  })
}

test('the stage local is packaged too, and gives its function no environment', async (t) => {
  const packaged = await packageStage(t, 'local')
  const { Environment } = propertiesOf(packaged, 'AWS::Lambda::Function')
  assert.deepEqual(Environment, { Variables: {} })
})

test('each function is bundled from the file of its handler, and a missing file is rejected', async (t) => {
  const folder = copyService(t)
  const service = readFileSync(`${folder}/serverless.yml`, 'utf8')
  const add = (handler: string) => {
    const added = `functions:\n  second: { handler: ${handler}, events: [{ httpApi: GET /second }] }\n`
    writeFileSync(`${folder}/serverless.yml`, service.replace(/^functions:\n/m, added))
  }
  add('.build/second.handler')
  writeFileSync(
    `${folder}/functions/second.ts`,
    'export const handler = async () => ({ statusCode: 204 })',
  )
  const { zipEntries } = await packageIn(folder, 'dev')
  assert.deepEqual(zipEntries.toSorted(), ['.build/auth.cjs', '.build/second.cjs'])
  for (const handler of ['.build/third.handler', 'functions/second.handler']) {
    add(handler)
    await assert.rejects(packageIn(folder, 'dev'), {
      stdout: /The function "second" has the handler/,
    })
  }
})

test('a stage that resources/stages.yml does not have is rejected', async (t) => {
  await assert.rejects(packageStage(t, 'prd'), { stdout: /Value not found at "param" source/ })
})
