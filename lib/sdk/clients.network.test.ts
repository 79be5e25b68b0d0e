import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { json, serveSdk } from '../../test/support/sdk-endpoint.ts'
import { skipPauses } from '../../test/support/skip-pauses.ts'
import { type ClientOptions, ExecuteStatementCommand, RDSDataClient } from './clients.ts'

const STATEMENT = ExecuteStatementCommand({ sql: 'SELECT 1' })
const ROW = json(200, { records: [] })
const UNAVAILABLE = json(503, {}, { 'x-amzn-errortype': 'ServiceUnavailableError' })
const REFUSAL = json(400, {}, { 'x-amzn-errortype': 'BadRequestException' })

/** A client that ends with the test, and the pauses between its attempts, in milliseconds, which take no time. */
function impatientClient(t: TestContext, options?: ClientOptions) {
  const pauses = skipPauses(t)
  t.mock.method(Math, 'random', () => 0.5)
  const client = RDSDataClient(options)
  t.after(client.destroy)
  return { client, pauses }
}

for (const { options, pauses: expected } of [
  { options: { maxAttempts: 1 }, pauses: [] },
  { options: { maxAttempts: 2 }, pauses: [25] },
  { options: { maxAttempts: 3 }, pauses: [25, 50] },
  { options: undefined, pauses: [25, 50] },
]) {
  const attempts = expected.length + 1
  test(`${JSON.stringify(options ?? 'default')}: attempts are ${attempts}`, async (t) => {
    const { requests } = await serveSdk(t, [...Array(attempts).fill(UNAVAILABLE), ROW])
    const { client, pauses } = impatientClient(t, options)
    await assert.rejects(client.send(STATEMENT), { name: 'ServiceUnavailableError' })
    assert.equal(requests.length, attempts)
    assert.deepEqual(pauses, expected)
  })
}

for (const name of ['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded']) {
  test(`after a ${name} the pauses are longer`, async (t) => {
    await serveSdk(t, [json(400, {}, { 'x-amzn-errortype': name }), ROW])
    const { client, pauses } = impatientClient(t)
    await client.send(STATEMENT)
    assert.deepEqual(pauses, [500])
  })
}

test('the attempt that succeeds is the last, and each is the same request', async (t) => {
  const { requests } = await serveSdk(t, [UNAVAILABLE, ROW])
  const { client } = impatientClient(t)
  assert.partialDeepStrictEqual(await client.send(STATEMENT), { records: [] })
  assert.deepEqual(
    requests.map(({ method, path, body }) => [method, path, body]),
    Array(2).fill(['POST', '/Execute', '{"sql":"SELECT 1"}']),
  )
})

test('what would fail in the same way is sent once', async (t) => {
  const { requests } = await serveSdk(t, [REFUSAL, ROW])
  const { client, pauses } = impatientClient(t)
  await assert.rejects(client.send(STATEMENT), { name: 'BadRequestException' })
  assert.equal(requests.length, 1)
  assert.deepEqual(pauses, [])
})

test('a connection that is refused is tried again too', async (t) => {
  await serveSdk(t, [])
  process.env['AWS_ENDPOINT_URL'] = 'http://127.0.0.1:9'
  const { client, pauses } = impatientClient(t)
  await assert.rejects(client.send(STATEMENT), { code: 'ECONNREFUSED' })
  assert.equal(pauses.length, 2)
})

test('a signal that has been aborted sends nothing', async (t) => {
  const { requests } = await serveSdk(t, [ROW])
  const { client, pauses } = impatientClient(t)
  await assert.rejects(client.send(STATEMENT, { abortSignal: AbortSignal.abort() }), {
    name: 'AbortError',
  })
  assert.equal(requests.length, 0)
  assert.deepEqual(pauses, [])
})

test('a call is aborted while it waits, is not sent again, and its connection is not kept', async (t) => {
  const abort = new AbortController()
  const abortAndHang = () => {
    abort.abort()
    return { hangs: true } as const
  }
  const { requests } = await serveSdk(t, [ROW, abortAndHang, ROW])
  const { client, pauses } = impatientClient(t)
  await client.send(STATEMENT)
  await assert.rejects(client.send(STATEMENT, { abortSignal: abort.signal }), {
    name: 'AbortError',
  })
  assert.deepEqual(pauses, [])
  await client.send(STATEMENT)
  const [first, second, third] = requests.map(({ port }) => port)
  assert.equal(first, second)
  assert.notEqual(second, third)
})

test('a signal that is not aborted changes nothing', async (t) => {
  const { requests } = await serveSdk(t, [UNAVAILABLE, ROW])
  const { client } = impatientClient(t)
  await client.send(STATEMENT, { abortSignal: new AbortController().signal })
  assert.equal(requests.length, 2)
})

test('an answer has as long as requestTimeout says', async (t) => {
  const { requests } = await serveSdk(t, [{ hangs: true }])
  const { client } = impatientClient(t, {
    maxAttempts: 1,
    requestHandler: { requestTimeout: 20, throwOnRequestTimeout: true },
  })
  await assert.rejects(client.send(STATEMENT), { name: 'TimeoutError', message: /\b20 ms\b/ })
  assert.equal(requests.length, 1)
})

test('a connection has as long as connectionTimeout says', async (t) => {
  await serveSdk(t, [])
  process.env['AWS_ENDPOINT_URL'] = 'http://localhost'
  const { client } = impatientClient(t, {
    maxAttempts: 1,
    // A name that is never resolved: loopback itself answers every connection at once.
    requestHandler: { connectionTimeout: 20, httpAgent: { lookup: () => {} } },
  })
  await assert.rejects(client.send(STATEMENT), { name: 'TimeoutError', message: /\b20 ms\b/ })
})

test('connections are kept until destroy closes them', async (t) => {
  const { requests } = await serveSdk(t, [ROW])
  const { client } = impatientClient(t)
  await client.send(STATEMENT)
  await client.send(STATEMENT)
  client.destroy()
  await client.send(STATEMENT)
  const [first, second, third] = requests.map(({ port }) => port)
  assert.equal(first, second)
  assert.notEqual(second, third)
})
