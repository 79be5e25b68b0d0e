import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { ConfigError, readConfig, readServiceName } from './config.ts'

const REQUIRED = {
  DB_CLUSTER_ARN: 'arn:aws:rds:eu-central-1:123456789012:cluster:latchkey',
  DB_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:latchkey-AbCdEf',
  DB_NAME: 'latchkey',
  JWT_SECRET: 'k'.repeat(32),
}

/** The error that `env` causes; a test that calls it fails if there is none. */
function errorFor(env: Record<string, string>): ConfigError {
  try {
    readConfig(env)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error
  }
  assert.fail('the environment was accepted')
}

/** The variables that the error's message finds fault with, in its order. */
const namedBy = (error: ConfigError) =>
  Array.from(error.message.matchAll(/\. ([A-Z]+(?:_[A-Z]+)+) is /g), ([, name]) => name)

test('the required variables alone make a configuration with the documented defaults', () => {
  assert.deepEqual(readConfig(REQUIRED), {
    clusterArn: REQUIRED.DB_CLUSTER_ARN,
    secretArn: REQUIRED.DB_SECRET_ARN,
    databaseName: 'latchkey',
    signingKey: { secret: REQUIRED.JWT_SECRET },
    token: {
      ttlSeconds: 3600,
      issuer: undefined,
      audience: undefined,
    },
    serviceName: 'latchkey',
    bcryptCost: 12,
    passwordMinLength: 8,
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
  })
  assert.deepEqual(config.token, {
    ttlSeconds: 900,
    issuer: 'https://id.example',
    audience: 'https://api.example',
  })
  assert.equal(config.bcryptCost, 11)
  assert.equal(config.passwordMinLength, 15)
})

test('one error names every required variable that is missing, and no other', () => {
  assert.deepEqual(namedBy(errorFor({})), Object.keys(REQUIRED))
})

test('a required variable that is set to nothing is missing', () => {
  for (const name of Object.keys(REQUIRED)) {
    const error = errorFor({ ...REQUIRED, [name]: '' })
    assert.deepEqual(namedBy(error), [name])
    assert.match(error.message, /is missing/)
  }
})

test('an optional variable that is set to nothing takes its default', () => {
  const names = [
    'JWT_TTL_SECONDS',
    'JWT_ISSUER',
    'JWT_AUDIENCE',
    'BCRYPT_COST',
    'PASSWORD_MIN_LENGTH',
  ]
  const empty = Object.fromEntries(names.map((name) => [name, '']))
  assert.deepEqual(readConfig({ ...REQUIRED, ...empty }), readConfig(REQUIRED))
})

const REFUSED: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['DB_CLUSTER_ARN', ['latchkey', 'ARN:aws:rds']],
  ['DB_SECRET_ARN', ['latchkey']],
  ['JWT_SECRET', ['k'.repeat(31), `${'é'.repeat(15)}k`]],
  ['JWT_TTL_SECONDS', ['0', '-1', '1.5', '1e3', '0x10', '60s', '31536001', 'Infinity']],
  ['BCRYPT_COST', ['9', '16', '12.5', 'abc', ' 12', '12 ', '-12', '+12']],
  ['PASSWORD_MIN_LENGTH', ['7', '65', '0', 'eight']],
]

for (const [name, values] of REFUSED) {
  for (const value of values) {
    test(`${name} set to ${JSON.stringify(value)} is refused`, () => {
      const error = errorFor({ ...REQUIRED, [name]: value })
      assert.deepEqual(namedBy(error), [name])
      assert.match(error.message, /is wrong/)
    })
  }
}

test('the bounds themselves are accepted', () => {
  for (const cost of [10, 15]) {
    assert.equal(readConfig({ ...REQUIRED, BCRYPT_COST: `${cost}` }).bcryptCost, cost)
  }
  for (const length of [8, 64]) {
    const env = { ...REQUIRED, PASSWORD_MIN_LENGTH: `${length}` }
    assert.equal(readConfig(env).passwordMinLength, length)
  }
  for (const ttl of [1, 31_536_000]) {
    assert.equal(readConfig({ ...REQUIRED, JWT_TTL_SECONDS: `${ttl}` }).token.ttlSeconds, ttl)
  }
})

test('JWT_SECRET is measured in bytes, so 16 characters of two bytes each are enough', () => {
  const secret = 'é'.repeat(16)
  assert.deepEqual(readConfig({ ...REQUIRED, JWT_SECRET: secret }).signingKey, { secret })
})

test('whatever is missing or wrong, the error says what would be right', () => {
  const wrong = { JWT_SECRET_ARN: 'x', BCRYPT_COST: '1', DB_SECRET_ARN: 'x' }
  for (const env of [{}, wrong]) {
    assert.throws(
      () => readConfig(env),
      ({ message }: Error) => {
        const problems = message.split('. ').slice(1)
        assert.equal(problems.length, Object.keys(env).length === 0 ? 4 : 5, message)
        for (const problem of problems) {
          assert.match(problem, /^[A-Z_]+ is (missing: set it to|wrong: it must be) \w.{8,}/)
        }
        return true
      },
    )
  }
})

test('the service has the name that it is given', () => {
  assert.equal(readServiceName({ POWERTOOLS_SERVICE_NAME: 'latchkey-dev' }), 'latchkey-dev')
  assert.equal(readServiceName({}), 'latchkey')
})

test('the error names all that is wrong at once and quotes no value', () => {
  const wrong = {
    DB_CLUSTER_ARN: 'leak-cluster',
    DB_SECRET_ARN: 'leak-database-secret',
    JWT_SECRET: 'leak-signing-key',
    JWT_TTL_SECONDS: 'leak-ttl',
    BCRYPT_COST: 'leak-cost',
    PASSWORD_MIN_LENGTH: 'leak-length',
  }
  const error = errorFor({ ...wrong, DB_NAME: 'leak-name', JWT_ISSUER: 'leak-issuer' })
  assert.deepEqual(namedBy(error), Object.keys(wrong))
  assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /leak/)
})

const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt-AbCdEf'
const { JWT_SECRET: _, ...WITHOUT_KEY } = REQUIRED

test('in place of the key its secret can be named, which is read again every 300 s by default', () => {
  const env = { ...WITHOUT_KEY, JWT_SECRET_ARN: SECRET_ARN }
  assert.deepEqual(readConfig(env).signingKey, { secretArn: SECRET_ARN, refreshSeconds: 300 })
  const often = { ...env, JWT_SECRET_REFRESH_SECONDS: '60' }
  assert.deepEqual(readConfig(often).signingKey, { secretArn: SECRET_ARN, refreshSeconds: 60 })
})

test('of JWT_SECRET and JWT_SECRET_ARN exactly one is set', () => {
  const both = errorFor({ ...REQUIRED, JWT_SECRET_ARN: SECRET_ARN })
  assert.match(both.message, /JWT_SECRET and JWT_SECRET_ARN are both set: set one of them/)
  const neither = errorFor(WITHOUT_KEY)
  assert.match(neither.message, /JWT_SECRET is missing: .* or JWT_SECRET_ARN/)
  const noArn = errorFor({ ...WITHOUT_KEY, JWT_SECRET_ARN: 'latchkey/jwt' })
  assert.match(noArn.message, /JWT_SECRET_ARN is wrong/)
})

const POWERTOOLS_WRONG = {
  POWERTOOLS_LOG_LEVEL: ['LOUD', 'INFOS', 'TOO-WARN'],
  POWERTOOLS_METRICS_DISABLED: ['', 'maybe', ' ', 'trues', 'un-true'],
  POWERTOOLS_LOGGER_LOG_EVENT: ['', 'x', '2'],
  POWERTOOLS_DEV: ['perhaps'],
  POWERTOOLS_LOGGER_SAMPLE_RATE: ['abc', '2', '-1', 'NaN', '0.5x', '1.5'],
} as const

for (const [name, values] of Object.entries(POWERTOOLS_WRONG)) {
  test(`an invalid ${name} is reported by its name`, () => {
    for (const value of values) {
      assert.deepEqual(namedBy(errorFor({ ...REQUIRED, [name]: value })), [name], value)
    }
  })
}

/** Whether Powertools accepts these variables. */
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

test('what is accepted is what Powertools starts with', () => {
  const accepted = {
    POWERTOOLS_LOG_LEVEL: ['', 'warn', 'SILENT'],
    POWERTOOLS_METRICS_DISABLED: ['TRUE', 'false'],
    POWERTOOLS_LOGGER_LOG_EVENT: ['false'],
    POWERTOOLS_DEV: ['False'],
    POWERTOOLS_LOGGER_SAMPLE_RATE: ['', '0', '1', '.5', '0.25', '1.00'],
  }
  for (const [name, values] of Object.entries(accepted)) {
    for (const value of values) {
      readConfig({ ...REQUIRED, [name]: value })
      assert.ok(powertoolsStarts({ [name]: value }), `${name}=${value}`)
    }
  }
  for (const value of POWERTOOLS_WRONG.POWERTOOLS_METRICS_DISABLED) {
    assert.ok(!powertoolsStarts({ POWERTOOLS_METRICS_DISABLED: value }), value)
  }
})
