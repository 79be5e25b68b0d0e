import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, itemsOf, readYaml } from '../support/yaml.ts'

/** The sums of five minutes. */
interface Period {
  readonly requests: number
  readonly failures: number
}

const DAY = 288

/** A day of requests that come evenly, of which `isFailure` says which fail, by their number. */
function day(secondsApart: number, isFailure: (index: number) => boolean): Period[] {
  const periods = Array.from({ length: DAY }, () => ({ requests: 0, failures: 0 }))
  for (let index = 0; index * secondsApart < 86_400; index += 1) {
    const period = periods[Math.floor((index * secondsApart) / 300)]
    if (!period) continue
    period.requests += 1
    if (isFailure(index)) period.failures += 1
  }
  return periods
}

const all = () => true

/** Patterns of a day's responses, and the alarm that fires for each. */
const PATTERNS: Readonly<Record<string, readonly [readonly Period[], ...alarms: string[]]>> = {
  'one request per hour, all fail': [day(3600, all), 'ApiOutage'],
  '48 requests per hour, all fail': [day(75, all), 'ApiOutage'],
  '60 per second, all fail for five minutes': [
    day(1 / 60, (index) => index < 18_000),
    'ApiServerErrors',
  ],
  '60 per second, 2 % fail': [day(1 / 60, (index) => index % 50 === 0), 'ApiServerErrors'],
  '60 per second, 1 % fail': [day(1 / 60, (index) => index % 100 === 0)],
  '60 per second, one fails every two hours': [day(1 / 60, (index) => index % 432_000 === 0)],
  'one per minute, one per day fails': [day(60, (index) => index === 0)],
  'one per minute, every tenth fails': [day(60, (index) => index % 10 === 0)],
  'idle for a day, the first of ten requests fails': [
    day(30, (index) => index === 0).map((period, index) =>
      index === 0 ? period : { requests: 0, failures: 0 },
    ),
  ],
}

const sum = (periods: readonly Period[], name: keyof Period) =>
  periods.reduce((total, period) => total + period[name], 0)

/** Metric math as these templates use it, over the evaluated periods: a value each. */
function evaluate(expression: string, periods: readonly Period[]): number[] {
  const code = expression
    .replaceAll(/SUM\((\w+)\)/g, (_, name) => String(sum(periods, name)))
    .replaceAll(' AND ', ' && ')
    .replace(/^IF\((.*), ([^,]+), ([^,]+)\)$/, '($1) ? ($2) : ($3)')
  const compute = new Function('failures', 'requests', `return ${code}`)
  return periods.map(({ failures, requests }) => Number(compute(failures, requests)))
}

/** Returns true if the alarm fires at any time of the day. Periods without requests are missing, so not breaching. */
function fires(alarm: unknown, periods: readonly Period[]): boolean {
  const [{ Expression: expression } = { Expression: '' }] = itemsOf(at(alarm, 'Metrics')).map(
    Object,
  )
  const {
    EvaluationPeriods: most,
    DatapointsToAlarm: least = most,
    Threshold: limit,
  } = Object(alarm)
  const isBreach = (value: number) =>
    at(alarm, 'ComparisonOperator') === 'GreaterThanThreshold' ? value > limit : value >= limit
  return periods.some((_, end) => {
    const window = periods.slice(Math.max(0, end + 1 - most), end + 1)
    const present = window.filter(({ requests }) => requests > 0)
    return evaluate(String(expression), present).filter(isBreach).length >= least
  })
}

for (const stage of ['dev', 'prod']) {
  test(`${stage}: the right alarm of 5xx fires for an outage of a busy and of a quiet service`, () => {
    const template = readYaml(`test/template/snapshots/${stage}.json`)
    for (const [pattern, [periods, ...alarms]] of Object.entries(PATTERNS)) {
      const firing = ['ApiServerErrors', 'ApiOutage'].filter((name) =>
        fires(at(template, 'Resources', `${name}Alarm`, 'Properties'), periods),
      )
      assert.deepEqual(firing, alarms, pattern)
    }
  })
}
