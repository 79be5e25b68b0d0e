import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectAt, packageStage, propertiesOf } from './template.ts'
import { checkTemplate } from './template-check.ts'

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

test('what the table leaves open is set by --param', async (t) => {
  const packaged = await packageStage(t, 'dev', params)
  assert.deepEqual(checkTemplate(packaged.template), [])
  const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
  assert.equal(cluster['EngineVersion'], params.engineVersion)
  assert.equal(cluster['DatabaseName'], params.databaseName)

  const cors = propertiesOf(packaged, 'AWS::ApiGatewayV2::Api')['CorsConfiguration']
  const origins = { 'Fn::Split': [',', params.corsOrigins] }
  assert.deepEqual(objectAt(cors, 'CorsConfiguration')['AllowOrigins'], origins)

  const { Environment } = propertiesOf(packaged, 'AWS::Lambda::Function')
  const variables = objectAt(objectAt(Environment, 'Environment')['Variables'], 'Variables')
  assert.equal(variables['BCRYPT_COST'], params.bcryptCost)
  assert.equal(variables['DB_NAME'], params.databaseName)
  assert.equal(variables['JWT_AUDIENCE'], params.jwtAudience)
  assert.equal(variables['JWT_ISSUER'], params.jwtIssuer)
  assert.equal(variables['JWT_TTL_SECONDS'], params.jwtTtlSeconds)
  assert.equal(variables['PASSWORD_MIN_LENGTH'], params.passwordMinLength)

  const { Parameters, Outputs } = packaged.template
  const address = objectAt(objectAt(Parameters, 'Parameters')['AlarmEmail'], 'AlarmEmail')
  assert.equal(address['Default'], params.alarmEmail)
  const database = objectAt(objectAt(Outputs, 'Outputs')['DatabaseName'], 'DatabaseName')
  assert.equal(database['Value'], params.databaseName)
})

test('the stage of this machine is packaged too, and gives its function no environment', async (t) => {
  const packaged = await packageStage(t, 'local')
  assert.deepEqual(checkTemplate(packaged.template), [])
  assert.deepEqual(packaged.zipEntries, ['.build/auth.cjs'])
  const { Environment } = propertiesOf(packaged, 'AWS::Lambda::Function')
  assert.deepEqual(Environment, { Variables: {} })
})

test('a stage that the table does not have is refused', async (t) => {
  await assert.rejects(packageStage(t, 'prd'), { stdout: /Value not found at "param" source/ })
})
