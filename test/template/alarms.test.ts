import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectAt, packageStage, propertiesOf, resourcesOf } from './template.ts'

/** What an alarm looks at: metric, dimension, statistic, threshold. */
const alarms = {
  FunctionErrorsAlarm: ['AWS/Lambda', 'Errors', 'Sum', 'GreaterThanOrEqualToThreshold', 1],
  FunctionThrottlesAlarm: ['AWS/Lambda', 'Throttles', 'Sum', 'GreaterThanOrEqualToThreshold', 1],
  FunctionDurationAlarm: ['AWS/Lambda', 'Duration', 'p95', 'GreaterThanThreshold', 2000],
  ApiServerErrorsAlarm: [undefined, undefined, undefined, 'GreaterThanThreshold', 1],
  DatabaseCapacityAlarm: [
    'AWS/RDS',
    'ACUUtilization',
    'Maximum',
    'GreaterThanOrEqualToThreshold',
    90,
  ],
}

const dimensions: Readonly<Record<string, object>> = {
  'AWS/Lambda': { Name: 'FunctionName', Value: { Ref: 'AuthLambdaFunction' } },
  'AWS/RDS': { Name: 'DBClusterIdentifier', Value: { Ref: 'DatabaseCluster' } },
}

for (const stage of ['dev', 'prod']) {
  test(`${stage}: five alarms, each wired to the topic both ways, silent without data`, async (t) => {
    const packaged = await packageStage(t, stage)
    assert.equal(resourcesOf(packaged, 'AWS::CloudWatch::Alarm').length, 5)
    for (const [id, expected] of Object.entries(alarms)) {
      const alarm = objectAt(packaged.resources[id]?.Properties, id)
      const statistic = alarm['Statistic'] ?? alarm['ExtendedStatistic']
      const seen = [alarm['Namespace'], alarm['MetricName'], statistic]
      assert.deepEqual([...seen, alarm['ComparisonOperator'], alarm['Threshold']], expected, id)
      const dimension = dimensions[String(alarm['Namespace'])]
      assert.deepEqual(alarm['Dimensions'], dimension && [dimension], id)
      assert.deepEqual(alarm['AlarmActions'], [{ Ref: 'AlarmTopic' }], id)
      assert.deepEqual(alarm['OKActions'], [{ Ref: 'AlarmTopic' }], id)
      assert.equal(alarm['TreatMissingData'], 'notBreaching', id)
    }
  })

  test(`${stage}: the rate of 5xx counts from five failures on`, async (t) => {
    const { resources } = await packageStage(t, stage)
    const alarm = objectAt(resources['ApiServerErrorsAlarm']?.Properties, 'alarm')
    const stat = (MetricName: string) => ({
      Metric: {
        Namespace: 'AWS/ApiGateway',
        MetricName,
        Dimensions: [{ Name: 'ApiId', Value: { Ref: 'HttpApi' } }],
      },
      Period: 300,
      Stat: 'Sum',
    })
    assert.deepEqual(alarm['Metrics'], [
      {
        Id: 'percent',
        Label: '5xx answers, %',
        Expression: 'IF(failures >= 5, 100 * failures / requests, 0)',
        ReturnData: true,
      },
      { Id: 'failures', MetricStat: stat('5xx'), ReturnData: false },
      { Id: 'requests', MetricStat: stat('Count'), ReturnData: false },
    ])
  })

  test(`${stage}: the dashboard shows what the function counts, and this stage's alone`, async (t) => {
    const packaged = await packageStage(t, stage)
    const dashboard = propertiesOf(packaged, 'AWS::CloudWatch::Dashboard')
    assert.equal(dashboard['DashboardName'], `latchkey-${stage}`)
    const body = String(objectAt(dashboard['DashboardBody'], 'DashboardBody')['Fn::Sub'])
    const { widgets } = objectAt(JSON.parse(body), 'the dashboard')
    assert.ok(Array.isArray(widgets))
    const shown = widgets.map((widget: unknown) => {
      const properties = objectAt(objectAt(widget, 'widget')['properties'], 'properties')
      assert.equal(properties['region'], `\${${'AWS::Region'}}`)
      return JSON.stringify(properties['metrics'])
    })
    const service = `"service","latchkey-${stage}"`
    const percentiles = '{"stat":"p50","label":"p50"}],["...",{"stat":"p95","label":"p95"}]'
    assert.deepEqual(shown, [
      `[["Latchkey","SignUps",${service}],[".","Refusals",".","."],[".","Faults",".","."]]`,
      String.raw`[[{"id":"refusals","expression":"SEARCH('{Latchkey,code,service} MetricName=\"Refusals\" service=\"latchkey-${stage}\"', 'Sum')"}]]`,
      `[["Latchkey","HashMs",${service},${percentiles}]`,
      `[["Latchkey","DatabaseMs",${service},${percentiles}]`,
      `[["Latchkey","ColdStart",${service},"function_name","\${AuthLambdaFunction}"]]`,
      `[["AWS/RDS","ServerlessDatabaseCapacity","DBClusterIdentifier","\${DatabaseCluster}"]]`,
    ])
  })
}

test('an address gets the alarms on one condition: that there is one', async (t) => {
  const { template, resources } = await packageStage(t, 'dev')
  const address = objectAt(objectAt(template['Parameters'], 'Parameters')['AlarmEmail'], 'address')
  assert.equal(address['Default'], '')
  assert.deepEqual(objectAt(template['Conditions'], 'Conditions')['HasAlarmEmail'], {
    'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AlarmEmail' }, ''] }],
  })
  assert.deepEqual(resources['AlarmEmailSubscription'], {
    Type: 'AWS::SNS::Subscription',
    Condition: 'HasAlarmEmail',
    Properties: {
      TopicArn: { Ref: 'AlarmTopic' },
      Protocol: 'email',
      Endpoint: { Ref: 'AlarmEmail' },
    },
  })
})
