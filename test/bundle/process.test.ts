import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash } from 'bcryptjs'
import { signToken } from '../../lib/adapters/tokens.ts'
import { bundleFunction } from '../support/bundled-function.ts'
import { accountRow, scriptDataApi } from '../support/data-api-script.ts'
import { environment, readEvent, signingKey, withToken } from '../support/handler.ts'

const { run } = await bundleFunction()

test('the bundle runs under strict flags and logs each outcome in one line, and its metrics', async (t) => {
  const row = [[{ longValue: 7 }, { stringValue: 'gary' }]]
  const denied = { status: 403, errorType: 'AccessDeniedException', body: { message: 'arn:' } }
  const { url } = await scriptDataApi(t, [{ body: { records: row } }, denied])
  const { POWERTOOLS_LOG_LEVEL: _, POWERTOOLS_METRICS_DISABLED: __, ...quiet } = environment(url)
  // Set by someone in search of a fault, it would print whole events, passwords included.
  const env = {
    ...quiet,
    POWERTOOLS_LOGGER_LOG_EVENT: 'true',
    SERVICE_VERSION: '1.2.3',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  }
  const events = ['sign-up', 'sign-up-malformed', 'sign-up-base64'].map(readEvent)
  const { stdout, stderr, status, statusCodes } = await run(env, events)

  assert.equal(status, 0)
  assert.deepEqual(statusCodes, ['201', '401', '500'])
  const lines = `${stdout}${stderr}`.trim().split('\n')
  const logged = lines.flatMap((line) => /"requestId":"test".*"code":"(\w+)"/.exec(line)?.[1] ?? [])
  assert.deepEqual(logged.sort(), ['body_not_json', 'created', 'internal_error'])
  for (const line of lines.filter((line) => line.includes('"message"'))) {
    assert.ok(line.includes('"version":"1.2.3"'), line)
  }
  const messages = lines.flatMap((line) => /"message":"([^"]+)"/.exec(line)?.[1] ?? [])
  assert.deepEqual(messages.sort(), ['fault', 'rejected', 'signed up'])
  assert.match(stdout, /"code":"created","userId":7,"hashMs":[\d.]+,"databaseMs":[\d.]+\}/)
  const metrics = lines.filter((line) => line.includes('"_aws"')).join()
  for (const metric of ['Successes', 'Rejections', 'Faults', 'HashMs', 'DatabaseMs', 'ColdStart']) {
    assert.ok(metrics.includes(`"${metric}":`), metric)
  }
  assert.match(stderr, /^\{"level":"ERROR",[^\n]*\}\n$/)
  assert.doesNotMatch(`${stdout}${stderr}`, /correct horse|\$2b\$|arn:|gary|Zoë/)
})

test('retries are logged and counted, and the SDK makes none of its own', async (t) => {
  const unavailable = { status: 504, errorType: 'DatabaseUnavailableException', body: {} }
  const row = { body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }]] } }
  const { url, requests } = await scriptDataApi(t, [unavailable, unavailable, row])
  const { POWERTOOLS_LOG_LEVEL: _, POWERTOOLS_METRICS_DISABLED: __, ...env } = environment(url)
  const { stdout, statusCodes } = await run(env, [readEvent('sign-up')])
  assert.deepEqual(statusCodes, ['201'])
  assert.equal(requests.length, 3)
  assert.match(stdout, /"code":"created",[^\n]*"databaseRetries":2[,}]/)
  assert.match(stdout, /"code":"created",[^\n]*"retriedFaults":\["DatabaseUnavailableException"\]/)
  const metrics = stdout.split('\n').filter((line) => line.includes('"_aws"'))
  assert.ok(metrics.some((line) => line.includes('"DatabaseRetries":2')))
  assert.ok(metrics.every((line) => line.includes('"Namespace":"Latchkey"')))
})

test('a sign-in, its rehash, a pause and a look-up are logged and counted by their names', async (t) => {
  const { POWERTOOLS_LOG_LEVEL: _, POWERTOOLS_METRICS_DISABLED: __, ...env } = environment('')
  const key = signingKey()
  const token = await signToken({ id: 7, username: 'gary' }, key, { ttlSeconds: 3600 })
  const cheap = accountRow(await hash('correct horse battery', 4))
  const replaced = { body: { records: [[{ longValue: 7 }]] } }
  const superseded = { body: { records: [], numberOfRecordsUpdated: 0 } }
  const denied = { status: 403, errorType: 'AccessDeniedException', body: {} }
  const paused = accountRow('no hash', 7, 4)
  const user = accountRow('no hash')
  const answers = [cheap, replaced, cheap, superseded, cheap, denied, paused, user]
  const { url, requests } = await scriptDataApi(t, answers)
  const signIn = readEvent('sign-in')
  const events = [
    signIn,
    signIn,
    signIn,
    signIn,
    withToken(readEvent('me'), token),
    readEvent('jwks'),
  ]
  const { stdout, stderr, statusCodes } = await run(
    { ...env, AWS_ENDPOINT_URL_RDS_DATA: url },
    events,
    { inTurn: true },
  )
  assert.deepEqual(statusCodes, ['200', '200', '200', '429', '200', '200'])
  assert.equal(requests.length, answers.length)
  const lines = stdout.split('\n')
  const logged = lines.flatMap((line) => {
    const [, code, id, rehash] =
      /"requestId".*"code":"(\w+)"(?:,"userId":(\d+))?(?:,"rehash":"(\w+)")?/.exec(line) ?? []
    return code ? [code, id, rehash].filter(Boolean).join(' ') : []
  })
  const signIns = ['signed_in 7 done', 'signed_in 7 superseded', 'signed_in 7 failed']
  assert.deepEqual(logged, [...signIns, 'too_many_attempts 7', 'identified 7', 'document_read'])
  const metrics = lines.filter((line) => line.includes('"_aws"'))
  for (const code of ['signed_in', 'identified', 'document_read']) {
    assert.ok(
      metrics.some((line) => line.includes(`"code":"${code}","Successes":1`)),
      code,
    )
  }
  assert.ok(metrics.some((line) => line.includes('"code":"too_many_attempts","Rejections":1')))
  assert.equal(stderr, '')
})

test('invalid variables, those of Powertools too, are 500 and logged by name without a value', async () => {
  const secret = 'only-thirty-one-bytes-long-key!'
  for (const [variables, ...problems] of [
    [{ POWERTOOLS_METRICS_DISABLED: 'maybe' }, /POWERTOOLS_METRICS_DISABLED is wrong/],
    [{ JWT_SECRET: secret, DB_NAME: '' }, /JWT_SECRET is wrong: .* 32 bytes/, /DB_NAME is missing/],
  ] as const) {
    const env = { ...environment('http://127.0.0.1:9'), ...variables }
    const { stdout, stderr, status, statusCodes } = await run(env, [readEvent('sign-up')])
    assert.deepEqual([status, statusCodes], [0, ['500']])
    assert.match(stderr, /^\{"level":"ERROR",[^\n]*"error":"ConfigError"[^\n]*\}\n$/)
    for (const problem of problems) assert.match(stderr, problem)
    assert.ok(!`${stdout}${stderr}`.includes(secret))
  }
})
