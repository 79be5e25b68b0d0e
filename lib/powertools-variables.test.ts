import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { takeUnreadable } from './powertools-variables.ts'

/** Whether Powertools can be built in this environment. */
function startsIn(env: NodeJS.Dict<string>): boolean {
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

const WRONG = {
  POWERTOOLS_LOG_LEVEL: ['LOUD', 'INFOS', 'TOO-WARN'],
  POWERTOOLS_METRICS_DISABLED: ['maybe', ' ', 'trues', 'un-true'],
  POWERTOOLS_LOGGER_LOG_EVENT: ['x', '2'],
  POWERTOOLS_DEV: ['perhaps'],
  POWERTOOLS_LOGGER_SAMPLE_RATE: ['abc', '2', '-1', 'NaN', '0.5x', '1.5'],
} as const

for (const [name, values] of Object.entries(WRONG)) {
  test(`a wrong ${name} is taken away and told by its name alone`, () => {
    for (const value of values) {
      const env = { [name]: value, OTHER: value }
      const [problem = '', ...others] = takeUnreadable(env)
      assert.match(problem, new RegExp(`^${name} is wrong: it must be [^.]+$`))
      assert.deepEqual(others, [])
      assert.deepEqual(env, { OTHER: value })
    }
  })

  test(`a ${name} that is set to nothing counts as missing`, () => {
    const env = { [name]: '' }
    assert.deepEqual(takeUnreadable(env), [])
    assert.deepEqual(env, {})
  })
}

test('what is left is what Powertools starts with, and what it throws at is not', () => {
  const right = {
    POWERTOOLS_LOG_LEVEL: 'warn',
    POWERTOOLS_METRICS_DISABLED: 'TRUE',
    POWERTOOLS_LOGGER_LOG_EVENT: 'false',
    POWERTOOLS_DEV: 'False',
    POWERTOOLS_LOGGER_SAMPLE_RATE: '0.5',
  }
  const env = { ...right }
  assert.deepEqual(takeUnreadable(env), [])
  assert.deepEqual(env, right)
  assert.ok(startsIn(right))
  for (const POWERTOOLS_LOGGER_SAMPLE_RATE of ['0', '1', '.5', '0.25', '1.00']) {
    assert.deepEqual(takeUnreadable({ POWERTOOLS_LOGGER_SAMPLE_RATE }), [])
    assert.ok(startsIn({ POWERTOOLS_LOGGER_SAMPLE_RATE }))
  }
  assert.ok(!startsIn({ POWERTOOLS_METRICS_DISABLED: 'maybe' }))
})
