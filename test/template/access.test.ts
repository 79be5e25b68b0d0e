import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listAt, objectAt, packageStage, propertiesOf, resourcesOf } from './template.ts'

for (const stage of ['dev', 'prod']) {
  test(`${stage}: the function may run statements on its cluster and read its two secrets`, async (t) => {
    const packaged = await packageStage(t, stage)
    const role = propertiesOf(packaged, 'AWS::IAM::Role')
    const [policy, ...others] = listAt(role['Policies'], 'Policies')
    assert.deepEqual(others, [])
    assert.equal(role['ManagedPolicyArns'], undefined)
    const document = objectAt(objectAt(policy, 'policy')['PolicyDocument'], 'PolicyDocument')
    const statements = listAt(document['Statement'], 'Statement')
    const actionsOf = (statement: unknown) => [objectAt(statement, 'statement')['Action']].flat()
    const isOf = (service: string) => (statement: unknown) =>
      actionsOf(statement).some((action) => String(action).startsWith(`${service}:`))

    const own = statements.filter((each) => !isOf('logs')(each) && !isOf('xray')(each))
    assert.deepEqual(own, [
      {
        Effect: 'Allow',
        Action: ['rds-data:ExecuteStatement'],
        Resource: { 'Fn::GetAtt': ['DatabaseCluster', 'DBClusterArn'] },
      },
      {
        Effect: 'Allow',
        Action: ['secretsmanager:GetSecretValue'],
        Resource: [{ Ref: 'AppSecret' }, { Ref: 'JwtSecret' }],
      },
    ])

    // The framework's own: its log groups, and tracing, which knows no resource but "*".
    const tracing = {
      Effect: 'Allow',
      Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      Resource: ['*'],
    }
    assert.deepEqual(statements.filter(isOf('xray')), [tracing])
    const logs = statements.filter(isOf('logs'))
    assert.equal(logs.length, 2)
    for (const statement of logs) {
      const [resource, ...more] = listAt(objectAt(statement, 'logs')['Resource'], 'Resource')
      assert.deepEqual(more, [])
      assert.match(JSON.stringify(resource), new RegExp(`:log-group:/aws/lambda/latchkey-${stage}`))
    }
  })

  test(`${stage}: one role, one permission to call the function, no other policy`, async (t) => {
    const packaged = await packageStage(t, stage)
    const types = Object.values(packaged.resources).map(({ Type }) => Type)
    const powers = types.filter((type) => /::IAM::|Policy$|::Permission$/.test(type))
    assert.deepEqual(powers.toSorted(), [
      'AWS::IAM::Role',
      'AWS::Lambda::Permission',
      'AWS::S3::BucketPolicy',
    ])
    const permission = propertiesOf(packaged, 'AWS::Lambda::Permission')
    assert.equal(permission['Principal'], 'apigateway.amazonaws.com')
    assert.match(JSON.stringify(permission['SourceArn']), /\{"Ref":"HttpApi"\}/)
  })

  test(`${stage}: CloudFormation makes both secrets, of 64 letters and digits`, async (t) => {
    const packaged = await packageStage(t, stage)
    const secrets = resourcesOf(packaged, 'AWS::SecretsManager::Secret')
    const generated = secrets.map(({ Properties }) => Properties['GenerateSecretString'])
    const characters = { PasswordLength: 64, ExcludePunctuation: true }
    assert.deepEqual(generated, [
      characters,
      {
        SecretStringTemplate: '{"username":"latchkey_app"}',
        GenerateStringKey: 'password',
        ...characters,
      },
    ])
    // A name of its own would be taken for days after a removal.
    for (const { Properties } of secrets) {
      assert.deepEqual([Properties['Name'], Properties['SecretString']], [undefined, undefined])
    }
  })

  test(`${stage}: no secret stands in the template`, async (t) => {
    const { template } = await packageStage(t, stage)
    const text = JSON.stringify(template)
    assert.doesNotMatch(text, /\{\{resolve:|"MasterUserPassword"|"JWT_SECRET"|NoEcho/)
  })
}
