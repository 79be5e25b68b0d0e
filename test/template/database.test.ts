import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectAt, packageStage, propertiesOf, resourcesOf } from './template.ts'

for (const stage of ['dev', 'prod']) {
  test(`${stage}: an Aurora cluster with the Data API, encrypted, its password nobody's`, async (t) => {
    const packaged = await packageStage(t, stage)
    const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
    assert.equal(cluster['Engine'], 'aurora-postgresql')
    assert.match(String(cluster['EngineVersion']), /^1[67]\.\d+$/)
    assert.equal(cluster['DatabaseName'], 'latchkey')
    assert.equal(cluster['EnableHttpEndpoint'], true)
    assert.equal(cluster['StorageEncrypted'], true)
    assert.equal(cluster['ManageMasterUserPassword'], true)
    assert.equal(cluster['MasterUserPassword'], undefined)
    assert.equal(cluster['CopyTagsToSnapshot'], true)
    assert.deepEqual(cluster['EnableCloudwatchLogsExports'], ['postgresql'])
  })

  test(`${stage}: what is removed or replaced leaves a snapshot, and nothing but that`, async (t) => {
    const { resources } = await packageStage(t, stage)
    for (const { Type, DeletionPolicy, UpdateReplacePolicy } of Object.values(resources)) {
      const kept = Type === 'AWS::RDS::DBCluster' ? 'Snapshot' : 'Delete'
      const isStateful = /^AWS::(RDS::DBCluster|RDS::DBInstance|SecretsManager|Logs)/.test(Type)
      assert.equal(DeletionPolicy, isStateful ? kept : undefined, Type)
      assert.equal(UpdateReplacePolicy, isStateful ? kept : undefined, Type)
    }
  })

  test(`${stage}: the log group that RDS would make is made first, and forgets`, async (t) => {
    const { resources } = await packageStage(t, stage)
    const logs = objectAt(resources['DatabaseLogGroup'], 'DatabaseLogGroup')
    const cluster = objectAt(resources['DatabaseCluster'], 'DatabaseCluster')
    const name = objectAt(cluster['Properties'], 'Properties')['DBClusterIdentifier']
    assert.equal(name, `latchkey-${stage}`)
    assert.equal(
      objectAt(logs['Properties'], 'Properties')['LogGroupName'],
      `/aws/rds/cluster/${name}/postgresql`,
    )
    assert.deepEqual(cluster['DependsOn'], ['DatabaseLogGroup'])
  })

  test(`${stage}: no way in from anywhere, and none out`, async (t) => {
    const packaged = await packageStage(t, stage)
    for (const { Properties } of resourcesOf(packaged, 'AWS::RDS::DBInstance')) {
      assert.equal(Properties['PubliclyAccessible'], false)
      assert.equal(Properties['DBInstanceClass'], 'db.serverless')
      assert.equal(Properties['Engine'], 'aurora-postgresql')
      assert.deepEqual(Properties['DBClusterIdentifier'], { Ref: 'DatabaseCluster' })
    }
    const group = propertiesOf(packaged, 'AWS::EC2::SecurityGroup')
    assert.equal(group['SecurityGroupIngress'], undefined)
    const [egress] = [group['SecurityGroupEgress']].flat()
    assert.equal(objectAt(egress, 'egress')['CidrIp'], '127.0.0.1/32')

    const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
    assert.deepEqual(cluster['VpcSecurityGroupIds'], [{ Ref: 'DatabaseSecurityGroup' }])
    assert.deepEqual(cluster['DBSubnetGroupName'], { Ref: 'DatabaseSubnets' })
    assert.deepEqual(propertiesOf(packaged, 'AWS::RDS::DBSubnetGroup')['SubnetIds'], [
      { Ref: 'PrivateSubnetA' },
      { Ref: 'PrivateSubnetB' },
    ])
    const zones = resourcesOf(packaged, 'AWS::EC2::Subnet').map(({ Properties }) => {
      assert.equal(Properties['MapPublicIpOnLaunch'], false)
      return JSON.stringify(Properties['AvailabilityZone'])
    })
    assert.deepEqual([zones.length, new Set(zones).size], [2, 2])

    // A gateway, a route or a rule of its own could open what the group keeps shut.
    const network = new Set(Object.values(packaged.resources).map(({ Type }) => Type))
    assert.deepEqual([...network].filter((type) => type.startsWith('AWS::EC2::')).toSorted(), [
      'AWS::EC2::SecurityGroup',
      'AWS::EC2::Subnet',
      'AWS::EC2::VPC',
    ])
  })
}

test('dev sleeps, keeps backups for a week and can be removed', async (t) => {
  const packaged = await packageStage(t, 'dev')
  const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
  const scaling = { MinCapacity: 0, MaxCapacity: 1, SecondsUntilAutoPause: 300 }
  assert.deepEqual(cluster['ServerlessV2ScalingConfiguration'], scaling)
  assert.equal(cluster['BackupRetentionPeriod'], 7)
  assert.equal(cluster['DeletionProtection'], false)
  assert.equal(resourcesOf(packaged, 'AWS::RDS::DBInstance').length, 1)
})

test('prod never sleeps, keeps backups for 35 days, is protected and has a second instance', async (t) => {
  const packaged = await packageStage(t, 'prod')
  const cluster = propertiesOf(packaged, 'AWS::RDS::DBCluster')
  const scaling = { MinCapacity: 0.5, MaxCapacity: 4 }
  assert.deepEqual(cluster['ServerlessV2ScalingConfiguration'], scaling)
  assert.equal(cluster['BackupRetentionPeriod'], 35)
  assert.equal(cluster['DeletionProtection'], true)
  const tiers = resourcesOf(packaged, 'AWS::RDS::DBInstance').map(
    ({ Properties }) => Properties['PromotionTier'],
  )
  assert.deepEqual(tiers, [0, 1])
})
