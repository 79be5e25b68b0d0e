import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exactly } from './figures.ts'
import { resultTable } from './table.ts'

test('a row has median, quartiles and aim, rounded to the digits that mean something', () => {
  const table = resultTable([
    {
      what: 'warm',
      summary: { median: 1.00449, lower: 0.9951, upper: 1.01, count: 40 },
      unit: '',
      digits: 3,
      atMost: 1.01,
      detail: '290 ms ÷ 289 ms',
    },
    { what: 'bundle', summary: exactly(223.4), unit: 'KB', digits: 0, detail: '' },
    { what: 'growth', missing: 'DATABASE_URL is not set' },
  ])
  assert.deepEqual(table.split('\n').slice(2), [
    '| warm | 1.004 | 0.995 to 1.010 | 1.01 | 290 ms ÷ 289 ms |',
    '| bundle | 223 KB |  |  |  |',
    '| growth | not measured |  |  | DATABASE_URL is not set |',
  ])
})
