import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkTemplate } from './template-check.ts'

const sub = (name: string) => ({ 'Fn::Sub': `\${${name}}` })

/** A small template without a fault, each time anew, for a test to break. */
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

/** What to do to the template, and what should be said of it. */
const breakages: Readonly<Record<string, [object, RegExp]>> = {
  'a misspelt property': [{ Cluster: { Engin: 'x' } }, /Cluster\.Properties\.Engin is no property/],
  'a misspelt property within another': [
    { Cluster: { ServerlessV2ScalingConfiguration: { MinCapacty: 0 } } },
    /MinCapacty is no property/,
  ],
  'a missing property': [{ Stage: { ApiId: undefined } }, /Stage\.Properties\.ApiId is required/],
  'a missing property within another': [
    { Stage: { AccessLogSettings: undefined, RouteSettings: {}, StageName: undefined } },
    /StageName is required/,
  ],
  'a Ref to nothing': [{ Subscription: { TopicArn: { Ref: 'Tpic' } } }, /nowhere: Tpic/],
  'a GetAtt of nothing': [
    { Stage: { ApiId: { 'Fn::GetAtt': ['Log', 'Arn'] } } },
    /leads nowhere: Log$/,
  ],
  'a GetAtt of an attribute that there is not': [
    { Stage: { ApiId: { 'Fn::GetAtt': ['Logs', 'Name'] } } },
    /AWS::Logs::LogGroup has no attribute Name/,
  ],
  'a Sub of nothing': [{ Logs: { LogGroupName: sub('Nothing') } }, /nowhere: Nothing/],
  'a Sub of an attribute that there is not': [
    { Logs: { LogGroupName: sub('Topic.Nme') } },
    /no attribute Nme/,
  ],
  'a Sub without a name': [{ Logs: { LogGroupName: { 'Fn::Sub': 'x' } } }, /nothing to put in/],
  'a function that there is not': [{ Logs: { LogGroupName: { 'Fn::Snub': 'x' } } }, /Fn::Snub/],
  'an If on no condition': [{ Stage: { ApiId: { 'Fn::If': ['No', 'a', 'b'] } } }, /nowhere: No$/],
  'a number as a text': [{ Logs: { RetentionInDays: '14' } }, /should be of type integer/],
  'a fraction for a whole number': [{ Logs: { RetentionInDays: 1.5 } }, /of type integer/],
  'a number that is none of those allowed': [{ Logs: { RetentionInDays: 15 } }, /one of 1, 3, 5/],
  'a word that is none of those allowed': [{ Logs: { LogGroupClass: 'X' } }, /one of STANDARD/],
  'a text for a boolean': [{ Cluster: { StorageEncrypted: 'true' } }, /of type boolean/],
  'a text for a list': [{ Cluster: { VpcSecurityGroupIds: 'sg-1' } }, /should be a list/],
  'a Ref to one for a list': [
    { Cluster: { VpcSecurityGroupIds: { Ref: 'Topic' } } },
    /should be a list, and Ref gives a scalar/,
  ],
  'a list for one': [{ Cluster: { Engine: { 'Fn::GetAZs': '' } } }, /a scalar, and Fn::GetAZs/],
  'a text for an object': [{ Stage: { AccessLogSettings: 'x' } }, /should be an object/],
  'a tag without a value': [{ Cluster: { Tags: [{ Key: 'Name' }] } }, /should be a tag/],
  'a circle': [
    {
      Logs: { LogGroupName: { Ref: 'Topic' } },
      Topic: { DisplayName: { 'Fn::GetAtt': ['Logs', 'Arn'] } },
    },
    /wait for each other: Topic > Logs > Topic/,
  ],
}

for (const [name, [changes, expected]] of Object.entries(breakages)) {
  test(`it finds ${name}`, () => {
    const { Resources: resources, ...rest } = sound()
    const broken = Object.entries(resources).map(([id, resource]) => {
      const change: unknown = Reflect.get(changes, id)
      return [id, { ...resource, Properties: Object.assign({}, resource.Properties, change) }]
    })
    const faults = checkTemplate({ ...rest, Resources: Object.fromEntries(broken) })
    assert.match(faults.join('\n'), expected)
  })
}

const withResources = (more: object) => {
  const template = sound()
  return checkTemplate({ ...template, Resources: { ...template.Resources, ...more } }).join('\n')
}

test('it finds a type, an attribute of a resource and a section that there is not', () => {
  assert.match(withResources({ X: { Type: 'AWS::RDS::Cluster' } }), /X\.Type is no type/)
  assert.match(withResources({ X: {} }), /X\.Type is no type/)
  const topic = { Type: 'AWS::SNS::Topic' }
  assert.match(withResources({ X: { ...topic, DeletePolicy: 'Retain' } }), /X\.DeletePolicy/)
  assert.match(withResources({ X: { ...topic, DeletionPolicy: 'Snapshot' } }), /one of Delete/)
  assert.match(withResources({ X: { ...topic, UpdateReplacePolicy: 'Keep' } }), /one of Delete/)
  assert.match(withResources({ X: { ...topic, Properties: [] } }), /X\.Properties should be/)
  assert.match(checkTemplate({ ...sound(), Resource: {} }).join(), /Template\.Resource is nothing/)
  assert.deepEqual(checkTemplate(null), ['The template is no object'])
})

test('it finds conditions, dependencies and outputs that lead nowhere', () => {
  const topic = { Type: 'AWS::SNS::Topic' }
  assert.match(withResources({ X: { ...topic, Condition: 'No' } }), /Condition leads nowhere: No/)
  assert.match(withResources({ X: { ...topic, DependsOn: ['No'] } }), /DependsOn leads nowhere: No/)
  assert.match(withResources({ X: { ...topic, DependsOn: 'Email' } }), /nowhere: Email/)
  const Outputs = {
    A: { Value: { Ref: 'No' } },
    B: { Description: 'x' },
    C: { Value: 'x', Vlue: 1 },
  }
  const faults = checkTemplate({ ...sound(), Outputs })
  assert.deepEqual(faults, [
    'Outputs.A.Value leads nowhere: No',
    'Outputs.B.Value is required and missing',
    'Outputs.C.Vlue is nothing that CloudFormation knows',
  ])
  const Conditions = { HasEmail: { 'Fn::Equals': [{ Ref: 'Topic' }, ''] } }
  assert.match(checkTemplate({ ...sound(), Conditions }).join(), /HasEmail.*nowhere: Topic/)
})
