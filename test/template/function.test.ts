import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectAt, packageStage, propertiesOf } from './template.ts'

/** Seconds that bcryptjs takes for cost 12 on one vCPU, which is what 1769 MB of memory bring. */
const HASH_SECONDS = 0.4
/** Seconds that the function is held besides: the Data API's call, and the rest. */
const OTHER_SECONDS = 0.1

for (const stage of ['dev', 'prod']) {
  test(`${stage}: the function is what the measurements were made with`, async (t) => {
    const properties = propertiesOf(await packageStage(t, stage), 'AWS::Lambda::Function')
    const {
      Code: _,
      Environment: __,
      Role: ___,
      ReservedConcurrentExecutions,
      ...rest
    } = properties
    assert.deepEqual(rest, {
      Architectures: ['arm64'],
      Description: 'POST /auth/sign-up',
      FunctionName: `latchkey-${stage}-auth`,
      Handler: '.build/auth.handler',
      MemorySize: 1769,
      Runtime: 'nodejs24.x',
      Timeout: 29,
      TracingConfig: { Mode: 'Active' },
    })
    assert.ok(Number(ReservedConcurrentExecutions) > 0)
  })

  test(`${stage}: its environment holds ARNs and settings, and no secret`, async (t) => {
    const properties = propertiesOf(await packageStage(t, stage), 'AWS::Lambda::Function')
    assert.deepEqual(objectAt(properties['Environment'], 'Environment')['Variables'], {
      BCRYPT_COST: '12',
      DB_CLUSTER_ARN: { 'Fn::GetAtt': ['DatabaseCluster', 'DBClusterArn'] },
      DB_NAME: 'latchkey',
      DB_SECRET_ARN: { Ref: 'AppSecret' },
      JWT_SECRET_ARN: { Ref: 'JwtSecret' },
      POWERTOOLS_LOG_LEVEL: 'INFO',
      POWERTOOLS_SERVICE_NAME: `latchkey-${stage}`,
    })
  })

  test(`${stage}: the API lets in no more than the function can hash`, async (t) => {
    const packaged = await packageStage(t, stage)
    const properties = propertiesOf(packaged, 'AWS::Lambda::Function')
    const places = Number(properties['ReservedConcurrentExecutions'])
    const variables = objectAt(objectAt(properties['Environment'], 'env')['Variables'], 'variables')
    const rounds = 2 ** (Number(variables['BCRYPT_COST']) - 12)
    const hash = HASH_SECONDS * rounds * (1769 / Number(properties['MemorySize']))
    const settings = propertiesOf(packaged, 'AWS::ApiGatewayV2::Stage')['DefaultRouteSettings']
    const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = objectAt(settings, 'limits')

    assert.ok(Number(rate) > 0 && Number(rate) < places / hash, `${rate} a second`)
    // The most that can be under way at once: a burst, and what comes in while it is worked on.
    const atOnce = Number(burst) + Number(rate) * (hash + OTHER_SECONDS)
    assert.ok(Number(burst) > 0 && atOnce <= places, `${atOnce} at once, ${places} places`)
  })

  test(`${stage}: the access log has the request ids, and nothing that a caller wrote`, async (t) => {
    const packaged = await packageStage(t, stage)
    const log = propertiesOf(packaged, 'AWS::ApiGatewayV2::Stage')['AccessLogSettings']
    const { DestinationArn, Format } = objectAt(log, 'AccessLogSettings')
    assert.deepEqual(DestinationArn, { 'Fn::GetAtt': ['HttpApiLogGroup', 'Arn'] })
    const line: unknown = JSON.parse(String(Format))
    assert.deepEqual(objectAt(line, 'Format'), {
      requestId: '$context.requestId',
      lambdaRequestId: '$context.awsEndpointRequestId',
      requestTime: '$context.requestTime',
      sourceIp: '$context.identity.sourceIp',
      routeKey: '$context.routeKey',
      status: '$context.status',
      responseLength: '$context.responseLength',
      responseLatencyMs: '$context.responseLatency',
      integrationLatencyMs: '$context.integrationLatency',
      integrationError: '$context.integrationErrorMessage',
    })
  })

  test(`${stage}: every log group forgets after the table's number of days`, async (t) => {
    const { resources } = await packageStage(t, stage)
    const days = Object.values(resources)
      .filter(({ Type }) => Type === 'AWS::Logs::LogGroup')
      .map(({ Properties }) => Properties['RetentionInDays'])
    assert.deepEqual(days, Array(3).fill(stage === 'dev' ? 14 : 90))
  })
}

test('CORS lets any origin in unless a parameter says which', async (t) => {
  const api = propertiesOf(await packageStage(t, 'dev'), 'AWS::ApiGatewayV2::Api')
  assert.deepEqual(api['CorsConfiguration'], {
    AllowHeaders: ['content-type', 'idempotency-key'],
    AllowMethods: ['POST'],
    AllowOrigins: { 'Fn::Split': [',', '*'] },
    ExposeHeaders: ['retry-after'],
    MaxAge: 600,
  })
})
