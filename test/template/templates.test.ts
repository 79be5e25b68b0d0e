import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { readYaml } from '../support/yaml.ts'
import { checkTemplate } from './check-template.ts'
import { listAt, objectAt, packageStage, propertiesOf, resourcesOf } from './template.ts'

const stages = objectAt(readYaml('resources/stages.yml'), 'stages.yml')

/** Seconds that a sign-up holds the function: a hash of cost 12 on one vCPU, and the rest. */
const [HASH_SECONDS, OTHER_SECONDS] = [0.4, 0.1]

for (const stage of ['dev', 'prod']) {
  const table = objectAt(stages[stage], stage)

  test(`${stage} is packaged without credentials, without faults, as the snapshot has it`, async (t) => {
    const { template, zipEntries } = await packageStage(t, stage)
    assert.deepEqual(checkTemplate(template), [])
    assert.deepEqual(zipEntries, ['.build/auth.cjs'])
    // UPDATE_SNAPSHOTS=1 npm run test:templates writes it; the diff of the commit shows what changes.
    const file = new URL(`snapshots/${stage}.json`, import.meta.url)
    const text = JSON.stringify(template, null, 2).replaceAll(/\d{13}-[\dT:.-]+Z/g, 'TIME')
    if (process.env['UPDATE_SNAPSHOTS']) writeFileSync(file, `${text}\n`)
    assert.deepEqual(JSON.parse(text), JSON.parse(readFileSync(file, 'utf8')))
  })

  test(`${stage}: the function may run statements on its cluster and read its two secrets`, async (t) => {
    const packaged = await packageStage(t, stage)
    const role = propertiesOf(packaged, 'AWS::IAM::Role')
    assert.equal(role['ManagedPolicyArns'], undefined)
    const [policy, ...others] = listAt(role['Policies'], 'Policies')
    assert.deepEqual(others, [])
    const document = objectAt(objectAt(policy, 'policy')['PolicyDocument'], 'PolicyDocument')
    const rights = listAt(document['Statement'], 'Statement').map((statement) => {
      const { Effect, Action, Resource, ...more } = objectAt(statement, 'statement')
      assert.deepEqual([Effect, more], ['Allow', {}])
      const resources = JSON.stringify([Resource].flat())
      return `${[Action].flat().join()} ${resources.replaceAll(/.*:log-group:([^"]*)".*/g, '$1')}`
    })
    assert.deepEqual(rights, [
      // The framework's own: its log groups, and tracing, which has no resource-level permissions.
      `logs:CreateLogStream,logs:CreateLogGroup,logs:TagResource /aws/lambda/latchkey-${stage}*:*`,
      `logs:PutLogEvents /aws/lambda/latchkey-${stage}*:*:*`,
      'rds-data:ExecuteStatement [{"Fn::GetAtt":["DatabaseCluster","DBClusterArn"]}]',
      'secretsmanager:GetSecretValue [{"Ref":"AppSecret"},{"Ref":"JwtSecret"}]',
      'xray:PutTraceSegments,xray:PutTelemetryRecords ["*"]',
    ])
    const types = Object.values(packaged.resources).map(({ Type }) => Type)
    assert.deepEqual(types.filter((type) => /::IAM::|Policy$|::Permission$/.test(type)).sort(), [
      'AWS::IAM::Role',
      'AWS::Lambda::Permission',
      'AWS::S3::BucketPolicy',
    ])
    const permission = propertiesOf(packaged, 'AWS::Lambda::Permission')
    assert.equal(permission['Principal'], 'apigateway.amazonaws.com')
    assert.match(JSON.stringify(permission['SourceArn']), /\{"Ref":"HttpApi"\}/)
  })

  test(`${stage}: CloudFormation generates both secrets, and the template holds none`, async (t) => {
    const packaged = await packageStage(t, stage)
    for (const { Properties } of resourcesOf(packaged, 'AWS::SecretsManager::Secret')) {
      const generated = objectAt(Properties['GenerateSecretString'], 'GenerateSecretString')
      assert.deepEqual([generated['PasswordLength'], generated['ExcludePunctuation']], [64, true])
      // A fixed name would stay taken for days after a removal.
      assert.deepEqual([Properties['Name'], Properties['SecretString']], [undefined, undefined])
    }
    const text = JSON.stringify(packaged.template)
    assert.doesNotMatch(text, /\{\{resolve:|"MasterUserPassword"|"JWT_SECRET"|NoEcho/)
    const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
    assert.equal(cluster['ManageMasterUserPassword'], true)
    assert.equal(cluster['StorageEncrypted'], true)
  })

  test(`${stage}: the API lets in no more than the function can hash`, async (t) => {
    const packaged = await packageStage(t, stage)
    const properties = propertiesOf(packaged, 'AWS::Lambda::Function')
    const concurrency = Number(properties['ReservedConcurrentExecutions'])
    const variables = objectAt(objectAt(properties['Environment'], 'env')['Variables'], 'variables')
    const factor =
      2 ** (Number(variables['BCRYPT_COST']) - 12) * (1769 / Number(properties['MemorySize']))
    const settings = propertiesOf(packaged, 'AWS::ApiGatewayV2::Stage')['DefaultRouteSettings']
    const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = objectAt(settings, 'limits')
    const atOnce = Number(burst) + Number(rate) * (HASH_SECONDS * factor + OTHER_SECONDS)
    assert.ok(atOnce <= concurrency, `${atOnce} at once, ${concurrency} functions`)
    assert.deepEqual(
      [concurrency, rate, burst],
      [table['reservedConcurrency'], table['throttleRate'], table['throttleBurst']],
    )
  })

  test(`${stage}: the access log has request ids and the address, and no text of a client`, async (t) => {
    const packaged = await packageStage(t, stage)
    const log = propertiesOf(packaged, 'AWS::ApiGatewayV2::Stage')['AccessLogSettings']
    const line = String(objectAt(log, 'AccessLogSettings')['Format'])
    assert.deepEqual(line.match(/(?<=\$context\.)[\w.]+/g)?.sort(), [
      'awsEndpointRequestId',
      'identity.sourceIp',
      'integrationErrorMessage',
      'integrationLatency',
      'requestId',
      'requestTime',
      'responseLatency',
      'responseLength',
      'routeKey',
      'status',
    ])
    for (const { Properties } of resourcesOf(packaged, 'AWS::Logs::LogGroup')) {
      assert.equal(Properties['RetentionInDays'], table['logRetentionDays'])
    }
  })

  test(`${stage}: removal and replacement leave a snapshot of the database`, async (t) => {
    const { resources } = await packageStage(t, stage)
    for (const { Type, DeletionPolicy, UpdateReplacePolicy } of Object.values(resources)) {
      if (!/^AWS::(RDS::DBCluster|RDS::DBInstance|SecretsManager|Logs)/.test(Type)) continue
      const policy = Type === 'AWS::RDS::DBCluster' ? 'Snapshot' : 'Delete'
      assert.deepEqual([DeletionPolicy, UpdateReplacePolicy], [policy, policy], Type)
    }
  })

  test(`${stage}: nothing can enter the database's network, and nothing leave it`, async (t) => {
    const packaged = await packageStage(t, stage)
    const group = propertiesOf(packaged, 'AWS::EC2::SecurityGroup')
    assert.equal(group['SecurityGroupIngress'], undefined)
    const [egress] = [group['SecurityGroupEgress']].flat()
    assert.equal(objectAt(egress, 'egress')['CidrIp'], '127.0.0.1/32')
    for (const { Properties } of resourcesOf(packaged, 'AWS::RDS::DBInstance')) {
      assert.equal(Properties['PubliclyAccessible'], false)
    }
    // A gateway, a route or a rule could open the network.
    const types = new Set(Object.values(packaged.resources).map(({ Type }) => Type))
    assert.deepEqual([...types].filter((type) => type.startsWith('AWS::EC2::')).sort(), [
      'AWS::EC2::SecurityGroup',
      'AWS::EC2::Subnet',
      'AWS::EC2::VPC',
    ])
  })

  test(`${stage}: every alarm notifies the topic, and the database has its stage's size`, async (t) => {
    const packaged = await packageStage(t, stage)
    const alarms = resourcesOf(packaged, 'AWS::CloudWatch::Alarm')
    assert.equal(alarms.length, 5)
    for (const { Properties } of alarms) {
      for (const actions of ['AlarmActions', 'OKActions']) {
        assert.deepEqual(Properties[actions], [{ Ref: 'AlarmTopic' }])
      }
      assert.equal(Properties['TreatMissingData'], 'notBreaching')
    }
    const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
    assert.equal(cluster['BackupRetentionPeriod'], table['backupDays'])
    assert.equal(cluster['DeletionProtection'], table['deletionProtection'])
    assert.equal(resourcesOf(packaged, 'AWS::RDS::DBInstance').length, stage === 'dev' ? 1 : 2)
  })
}

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
}

test('--param sets what the table leaves open', async (t) => {
  const packaged = await packageStage(t, 'dev', params)
  assert.deepEqual(checkTemplate(packaged.template), [])
  const { Environment } = propertiesOf(packaged, 'AWS::Lambda::Function')
  const variables = objectAt(objectAt(Environment, 'Environment')['Variables'], 'Variables')
  assert.partialDeepStrictEqual(variables, {
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
  const cors = propertiesOf(packaged, 'AWS::ApiGatewayV2::Api')['CorsConfiguration']
  const origins = { 'Fn::Split': [',', params.corsOrigins] }
  assert.deepEqual(objectAt(cors, 'CorsConfiguration')['AllowOrigins'], origins)
  const { Parameters } = packaged.template
  const address = objectAt(objectAt(Parameters, 'Parameters')['AlarmEmail'], 'AlarmEmail')
  assert.equal(address['Default'], params.alarmEmail)
})

test('the stage local is packaged too, and gives its function no environment', async (t) => {
  const packaged = await packageStage(t, 'local')
  assert.deepEqual(checkTemplate(packaged.template), [])
  const { Environment } = propertiesOf(packaged, 'AWS::Lambda::Function')
  assert.deepEqual(Environment, { Variables: {} })
})

test('a stage that the table does not have is rejected', async (t) => {
  await assert.rejects(packageStage(t, 'prd'), { stdout: /Value not found at "param" source/ })
})
