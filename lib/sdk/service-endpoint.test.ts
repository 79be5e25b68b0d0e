import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { serviceEndpoint } from './service-endpoint.ts'

const region = 'eu-central-1'

/** One region or more of each of AWS's partitions, and two that are in none, one with all their names in it. */
const REGIONS = [
  'us-east-1',
  'eu-central-1',
  'mx-central-1',
  'ap-southeast-7',
  'cn-north-1',
  'eusc-de-east-1',
  'us-gov-west-1',
  'us-iso-east-1',
  'us-isob-east-1',
  'eu-isoe-west-1',
  'us-isof-south-1',
  'moon-base-1',
  'moon-cn-eusc-us-iso-us-isob-eu-isoe-us-isof-1',
]

for (const { service, client } of [
  { service: 'rds-data', client: new RDSDataClient({ region }) },
  { service: 'secretsmanager', client: new SecretsManagerClient({ region }) },
]) {
  test(`${service} is where the SDK's rules say`, () => {
    for (const Region of REGIONS) {
      for (const UseFIPS of [false, true]) {
        const { url } = client.config.endpointProvider({ Region, UseFIPS })
        const env = { AWS_REGION: Region, ...(UseFIPS && { AWS_USE_FIPS_ENDPOINT: 'true' }) }
        const ours = serviceEndpoint(env, service, '')
        assert.deepEqual([ours.region, ours.url.href], [Region, url.href])
      }
    }
  })
}

test('a variable for one service goes before the one for all, and an empty one counts as none', () => {
  const all = { AWS_REGION: region, AWS_ENDPOINT_URL: 'http://all/' }
  const env = { ...all, AWS_ENDPOINT_URL_RDS_DATA: 'http://one:1/path' }
  assert.equal(serviceEndpoint(env, 'rds-data', 'RDS_DATA').url.href, 'http://one:1/path')
  assert.equal(serviceEndpoint(env, 'secretsmanager', 'SECRETS_MANAGER').url.href, 'http://all/')
  const none = { AWS_REGION: region, AWS_ENDPOINT_URL: '', AWS_ENDPOINT_URL_RDS_DATA: '' }
  assert.match(serviceEndpoint(none, 'rds-data', 'RDS_DATA').url.href, /^https:\/\/rds-data\./)
})

test('an address of its own has a plain path, which needs no escaping, and no query', () => {
  const at = (url: string) =>
    serviceEndpoint({ AWS_REGION: region, AWS_ENDPOINT_URL: url }, 'rds-data', 'RDS_DATA')
  for (const path of ['', '/', '/data/api', '/data/api/', '/~a.b_c-1/2']) at(`http://all${path}`)
  for (const path of ['/a%20b', '/a@b', '/a+b', '/a,b', '//a', '/a//b', '/ä', '/a?b=c', '/a(b)']) {
    assert.throws(() => at(`http://all${path}`), /must have a plain path, and no query/, path)
  }
})

test('a FIPS endpoint is for whoever says true, and nothing else', () => {
  const env = { AWS_REGION: 'us-east-1', AWS_USE_FIPS_ENDPOINT: 'false' }
  assert.equal(
    serviceEndpoint(env, 'rds-data', '').url.hostname,
    'rds-data.us-east-1.amazonaws.com',
  )
})

test('what is no place is an error that names the variable', () => {
  for (const env of [{}, { AWS_REGION: '' }, { AWS_ENDPOINT_URL: 'http://all/' }]) {
    assert.throws(
      () => serviceEndpoint(env, 'rds-data', 'RDS_DATA'),
      /There is no region: set AWS_REGION\./,
    )
  }
  const both = {
    AWS_REGION: region,
    AWS_ENDPOINT_URL: 'http://all/',
    AWS_USE_FIPS_ENDPOINT: 'true',
  }
  assert.throws(
    () => serviceEndpoint(both, 'rds-data', 'RDS_DATA'),
    /^TypeError: AWS_USE_FIPS_ENDPOINT goes/,
  )
})
