import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash } from 'bcryptjs'
import { bundleFunction } from '../lib/testing/bundled-function.ts'
import { scriptDataApi } from '../lib/testing/data-api-script.ts'
import { environment, eventWith, readEvent } from '../lib/testing/handler.ts'

const { run } = await bundleFunction()

test('a call that was made again is told and counted, and the SDK makes none of its own', async (t) => {
  const unavailable = { status: 504, errorType: 'DatabaseUnavailableException', body: {} }
  const row = { body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }]] } }
  const { url, requests } = await scriptDataApi(t, [unavailable, unavailable, row])
  const { POWERTOOLS_LOG_LEVEL: _, POWERTOOLS_METRICS_DISABLED: __, ...env } = environment(url)
  const { stdout, statusCodes } = await run(env, [readEvent('sign-up')])
  assert.deepEqual(statusCodes, ['201'])
  assert.equal(requests.length, 3)
  assert.match(stdout, /"code":"created",[^\n]*"databaseRetries":2[,}]/)
  const metrics = stdout.split('\n').filter((line) => line.includes('"_aws"'))
  assert.ok(metrics.some((line) => line.includes('"DatabaseRetries":2')))
  assert.ok(metrics.every((line) => line.includes('"Namespace":"Latchkey"')))
})

test('a request that is repeated with its key is answered 201 by a second statement', async (t) => {
  const event = eventWith({ username: 'gary', password: 'correct horse battery' })
  const headers = { ...event.headers, 'idempotency-key': 'k'.repeat(20) }
  const stored = await hash('correct horse battery', 4)
  const row = [{ longValue: 7 }, { stringValue: 'gary' }, { stringValue: stored }]
  const { url, requests } = await scriptDataApi(t, [
    { body: { records: [], numberOfRecordsUpdated: 0 } },
    { body: { records: [row] } },
  ])
  const { statusCodes } = await run(environment(url), [{ ...event, headers }])
  assert.deepEqual(statusCodes, ['201'])
  assert.equal(requests.length, 2)
})
