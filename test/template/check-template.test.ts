import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkTemplate } from './check-template.ts'

const sub = (name: string) => ({ 'Fn::Sub': `\${${name}}` })

/** A small template without a fault, new at each call, for a test to break. */
const sound = () => ({
  Parameters: {
    Email: { Type: 'String', Default: '' },
    Zones: { Type: 'CommaDelimitedList', Default: 'a,b' },
  },
  Conditions: { HasEmail: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'Email' }, ''] }] } },
  Resources: {
    Topic: { Type: 'AWS::SNS::Topic', Properties: { DisplayName: 'Alarms' } },
    Logs: {
      Type: 'AWS::Logs::LogGroup',
      Properties: { LogGroupName: sub('AWS::StackName'), RetentionInDays: 14 },
    },
    Subscription: {
      Type: 'AWS::SNS::Subscription',
      Condition: 'HasEmail',
      Properties: { TopicArn: { Ref: 'Topic' }, Protocol: 'email', Endpoint: { Ref: 'Email' } },
    },
    Cluster: {
      Type: 'AWS::RDS::DBCluster',
      DeletionPolicy: 'Snapshot',
      DependsOn: 'Logs',
      Properties: {
        Engine: 'aurora-postgresql',
        StorageEncrypted: true,
        AvailabilityZones: { Ref: 'Zones' },
        ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, SecondsUntilAutoPause: 300 },
        Tags: [{ Key: 'Name', Value: { Ref: 'AWS::StackName' } }],
      },
    },
    Stage: {
      Type: 'AWS::ApiGatewayV2::Stage',
      Properties: {
        ApiId: { 'Fn::If': ['HasEmail', 'a', { Ref: 'AWS::NoValue' }] },
        StageName: 'x',
        AccessLogSettings: { DestinationArn: { 'Fn::GetAtt': ['Logs', 'Arn'] } },
      },
    },
  },
  Outputs: { Cluster: { Value: { 'Fn::GetAtt': 'Cluster.MasterUserSecret.SecretArn' } } },
})

test('a template without a fault has none', () => assert.deepEqual(checkTemplate(sound()), []))

/** Changes to properties of the template, and the fault that each must cause. */
const BROKEN: readonly (readonly [name: string, changes: object, fault: RegExp])[] = [
  ['a misspelt property', { Cluster: { Engin: 'x' } }, /Cluster\.Properties\.Engin is no property/],
  [
    'a misspelt inner property',
    { Cluster: { ServerlessV2ScalingConfiguration: { MinCapacty: 0 } } },
    /MinCapacty is no property/,
  ],
  ['a missing property', { Stage: { ApiId: undefined } }, /Stage\.Properties\.ApiId is required/],
  ['a Ref to nothing', { Subscription: { TopicArn: { Ref: 'Tpic' } } }, /nothing: Tpic/],
  ['a GetAtt of nothing', { Stage: { ApiId: { 'Fn::GetAtt': ['Log', 'Arn'] } } }, /nothing: Log$/],
  [
    'a GetAtt of an unknown attribute',
    { Stage: { ApiId: { 'Fn::GetAtt': ['Logs', 'Name'] } } },
    /no attribute of AWS::Logs::LogGroup: Name/,
  ],
  ['a Sub of nothing', { Logs: { LogGroupName: sub('Nothing') } }, /nothing: Nothing/],
  ['a Sub of an unknown attribute', { Logs: { LogGroupName: sub('Topic.Nme') } }, /: Nme/],
  ['a Sub without a name', { Logs: { LogGroupName: { 'Fn::Sub': 'x' } } }, /nothing to substitute/],
  [
    'an unknown function',
    { Logs: { LogGroupName: { 'Fn::Snub': 'x' } } },
    /Fn::Snub is no function/,
  ],
  ['an If on no condition', { Stage: { ApiId: { 'Fn::If': ['No', 'a', 'b'] } } }, /nothing: No$/],
  ['a text for an object', { Stage: { AccessLogSettings: 'x' } }, /should be an object/],
]

for (const [name, changes, fault] of BROKEN) {
  test(`it finds ${name}`, () => {
    const { Resources: resources, ...rest } = sound()
    const broken = Object.entries(resources).map(([id, resource]) => {
      const change: unknown = Reflect.get(changes, id)
      return [id, { ...resource, Properties: Object.assign({}, resource.Properties, change) }]
    })
    const faults = checkTemplate({ ...rest, Resources: Object.fromEntries(broken) })
    assert.match(faults.join('\n'), fault)
  })
}

test('it finds unknown types, and conditions, dependencies and outputs of nothing', () => {
  const topic = { Type: 'AWS::SNS::Topic' }
  const { Resources: resources, ...rest } = sound()
  const X: readonly (readonly [object, RegExp])[] = [
    [{ Type: 'AWS::RDS::Cluster' }, /X\.Type is no type/],
    [{}, /X\.Type is no type/],
    [{ ...topic, Properties: [] }, /X\.Properties should be/],
    [{ ...topic, Condition: 'No' }, /Condition refers to nothing: No/],
    [{ ...topic, DependsOn: ['No'] }, /DependsOn refers to nothing: No/],
  ]
  for (const [resource, fault] of X) {
    const faults = checkTemplate({ ...rest, Resources: { ...resources, X: resource } })
    assert.match(faults.join('\n'), fault)
  }
  const faults = checkTemplate({ ...sound(), Outputs: { A: { Value: { Ref: 'No' } } } })
  assert.deepEqual(faults, ['Outputs.A.Value.Ref refers to nothing: No'])
})
