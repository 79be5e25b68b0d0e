import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { signingKey } from '../test/support/handler.ts'
import { newSigningKey } from '../tools/new-signing-key.ts'
import { ConfigError, readConfig, readServiceName } from './config.ts'

const REQUIRED = {
  DB_CLUSTER_ARN: 'arn:aws:rds:eu-central-1:123456789012:cluster:latchkey',
  DB_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:latchkey-AbCdEf',
  DB_NAME: 'latchkey',
  JWT_SECRET: 'k'.repeat(32),
}
const DEFAULTS = readConfig(REQUIRED)

/** Returns the error that `env` causes. Fails if it is accepted. */
function errorFor(env: Record<string, string>): ConfigError {
  try {
    readConfig(env)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error
  }
  assert.fail(`the environment was accepted: ${JSON.stringify(env)}`)
}

/** The variables that the error's message names, in its order. */
const namedBy = (error: ConfigError) =>
  Array.from(error.message.matchAll(/\. ([A-Z]+(?:_[A-Z]+)+) is /g), ([, name]) => name)

test('the required variables alone make a configuration with the documented defaults', () => {
  assert.deepEqual(DEFAULTS, {
    clusterArn: REQUIRED.DB_CLUSTER_ARN,
    secretArn: REQUIRED.DB_SECRET_ARN,
    databaseName: 'latchkey',
    algorithm: 'HS256',
    signingKey: { key: signingKey(REQUIRED.JWT_SECRET) },
    token: { ttlSeconds: 3600, issuer: undefined, audience: undefined },
    serviceName: 'latchkey',
    bcryptCost: 12,
    passwordMinLength: 8,
    sessionMaxDays: 30,
  })
})

test('each optional variable reaches the configuration', () => {
  const config = readConfig({
    ...REQUIRED,
    JWT_TTL_SECONDS: '900',
    JWT_ISSUER: 'https://id.example',
    JWT_AUDIENCE: 'https://api.example',
    BCRYPT_COST: '11',
    PASSWORD_MIN_LENGTH: '15',
    POWERTOOLS_SERVICE_NAME: 'latchkey-dev',
  })
  assert.deepEqual(config, {
    ...DEFAULTS,
    token: { ttlSeconds: 900, issuer: 'https://id.example', audience: 'https://api.example' },
    serviceName: 'latchkey-dev',
    bcryptCost: 11,
    passwordMinLength: 15,
  })
  assert.equal(readServiceName({}), 'latchkey')
})

test('one error names every required variable that is missing or empty, and no other', () => {
  assert.deepEqual(namedBy(errorFor({})), Object.keys(REQUIRED))
  for (const name of Object.keys(REQUIRED)) {
    const error = errorFor({ ...REQUIRED, [name]: '' })
    assert.deepEqual(namedBy(error), [name])
    assert.match(error.message, /is missing/)
  }
})

test('an empty optional variable gets its default', () => {
  for (const name of ['JWT_TTL_SECONDS', 'JWT_ISSUER', 'BCRYPT_COST', 'PASSWORD_MIN_LENGTH']) {
    assert.deepEqual(readConfig({ ...REQUIRED, [name]: '' }), DEFAULTS)
  }
})

const PEM = newSigningKey('RS256')

const INVALID: Readonly<Record<string, readonly string[]>> = {
  DB_CLUSTER_ARN: ['latchkey', 'ARN:aws:rds'],
  DB_SECRET_ARN: ['latchkey'],
  JWT_ALGORITHM: ['rs256', 'RS512', 'ES256', 'none', ' RS256'],
  JWT_SECRET: ['k'.repeat(31), `${'é'.repeat(15)}k`, PEM, ` ${PEM}`],
  JWT_TTL_SECONDS: ['0', '-1', '1.5', '1e3', '0x10', '60s', '31536001', 'Infinity'],
  BCRYPT_COST: ['9', '16', '12.5', 'abc', ' 12', '12 ', '-12', '+12'],
  PASSWORD_MIN_LENGTH: ['7', '65', '0', 'eight'],
  POWERTOOLS_LOG_LEVEL: ['LOUD', 'INFOS', 'TOO-WARN'],
  POWERTOOLS_METRICS_DISABLED: ['', 'maybe', ' ', 'trues', 'un-true'],
  POWERTOOLS_LOGGER_LOG_EVENT: ['', 'x', '2'],
  POWERTOOLS_DEV: ['perhaps'],
  POWERTOOLS_LOGGER_SAMPLE_RATE: ['abc', '2', '-1', 'NaN', '0.5x', '1.5'],
}

for (const [name, values] of Object.entries(INVALID)) {
  test(`an invalid ${name} is reported by its name`, () => {
    for (const value of values) {
      const error = errorFor({ ...REQUIRED, [name]: value })
      assert.deepEqual(namedBy(error), [name], value)
      assert.match(error.message, /is wrong/)
    }
  })
}

test('values at the limits are accepted', () => {
  for (const limits of [
    { JWT_TTL_SECONDS: '1', BCRYPT_COST: '10', PASSWORD_MIN_LENGTH: '8' },
    { JWT_TTL_SECONDS: '31536000', BCRYPT_COST: '15' },
    { PASSWORD_MIN_LENGTH: '64' },
  ]) {
    const config = inspect(readConfig({ ...REQUIRED, ...limits }))
    for (const value of Object.values(limits)) assert.ok(config.includes(value), value)
  }
})

/** Returns whether Powertools accepts these variables. */
function powertoolsStarts(env: Readonly<Record<string, string>>): boolean {
  const before = { ...process.env }
  try {
    Object.assign(process.env, env)
    new Logger()
    new Metrics({ namespace: 'test' })
    return true
  } catch {
    return false
  } finally {
    for (const name of Object.keys(env)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

test('each accepted variable of Powertools is one that Powertools starts with', () => {
  for (const text of `LOG_LEVEL= LOG_LEVEL=warn LOG_LEVEL=SILENT METRICS_DISABLED=TRUE METRICS_DISABLED=false
    LOGGER_LOG_EVENT=false DEV=False LOGGER_SAMPLE_RATE= LOGGER_SAMPLE_RATE=0 LOGGER_SAMPLE_RATE=1
    LOGGER_SAMPLE_RATE=.5 LOGGER_SAMPLE_RATE=0.25 LOGGER_SAMPLE_RATE=1.00`.split(/\s+/)) {
    const [name, value = ''] = text.split('=')
    const env = { [`POWERTOOLS_${name}`]: value }
    readConfig({ ...REQUIRED, ...env })
    assert.ok(powertoolsStarts(env), text)
  }
  assert.ok(!powertoolsStarts({ POWERTOOLS_METRICS_DISABLED: 'maybe' }))
})

test('one error names every problem and what to set, and quotes no value', () => {
  const wrong = {
    JWT_ALGORITHM: 'leak-algorithm',
    DB_CLUSTER_ARN: 'leak-cluster',
    DB_SECRET_ARN: 'leak-database-secret',
    JWT_SECRET: 'leak-signing-key',
    JWT_TTL_SECONDS: 'leak-ttl',
    BCRYPT_COST: 'leak-cost',
    PASSWORD_MIN_LENGTH: 'leak-length',
  }
  for (const env of [{}, { ...wrong, DB_NAME: 'leak-name', JWT_ISSUER: 'leak-issuer' }]) {
    const error = errorFor(env)
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /leak/)
    for (const problem of error.message.split('. ').slice(1)) {
      assert.match(problem, /^[A-Z_]+ is (missing: set it to|wrong: it must be) \w.{8,}/)
    }
  }
  assert.deepEqual(namedBy(errorFor({ ...wrong, DB_NAME: 'x' })), Object.keys(wrong))
})

test('with RS256 JWT_SECRET must be the PEM of an RSA key', () => {
  const env = { ...REQUIRED, JWT_ALGORITHM: 'RS256' }
  const { algorithm, signingKey: source } = readConfig({ ...env, JWT_SECRET: PEM })
  assert.ok('key' in source)
  assert.deepEqual([algorithm, source.key.algorithm], ['RS256', 'RS256'])
  for (const secret of [REQUIRED.JWT_SECRET, `x${PEM}`, PEM.slice(0, 900)]) {
    const error = errorFor({ ...env, JWT_SECRET: secret })
    assert.match(error.message, /JWT_SECRET is wrong: it must be one PKCS #8 PEM/)
    assert.doesNotMatch(error.message, /kkk|MII/)
  }
  const { JWT_SECRET: _, ...withoutKey } = env
  assert.match(errorFor(withoutKey).message, /JWT_SECRET is missing: set it to one PKCS #8 PEM/)
})

test('exactly one of JWT_SECRET and JWT_SECRET_ARN is set', () => {
  const secretArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt-AbCdEf'
  const { JWT_SECRET: _, ...withoutKey } = REQUIRED
  const env = { ...withoutKey, JWT_SECRET_ARN: secretArn }
  assert.deepEqual(readConfig(env).signingKey, { secretArn, refreshSeconds: 300 })
  const refreshed = { ...env, JWT_SECRET_REFRESH_SECONDS: '60' }
  assert.deepEqual(readConfig(refreshed).signingKey, { secretArn, refreshSeconds: 60 })

  const both = errorFor({ ...REQUIRED, JWT_SECRET_ARN: secretArn })
  assert.match(both.message, /JWT_SECRET and JWT_SECRET_ARN are both set: set one of them/)
  assert.match(errorFor(withoutKey).message, /JWT_SECRET is missing: .* or JWT_SECRET_ARN/)
  const noArn = errorFor({ ...withoutKey, JWT_SECRET_ARN: 'latchkey/jwt' })
  assert.match(noArn.message, /JWT_SECRET_ARN is wrong/)
})
