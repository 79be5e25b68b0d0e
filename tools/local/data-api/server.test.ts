import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { type TestContext, test } from 'node:test'
import { recordingEngine } from '../../../test/support/recording-engine.ts'
import { serveDataApi } from './server.ts'

const signed = (accessKeyId: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260102/eu-central-1/rds-data/aws4_request`,
})
const SIGNED = signed('test')
const TARGET = { resourceArn: 'arn:aws:rds:…', secretArn: 'arn:aws:secretsmanager:…' }
const SELECT = { ...TARGET, sql: 'SELECT 1' }

async function serve(t: TestContext) {
  const { engine, queries, asked } = recordingEngine()
  const server = await serveDataApi(engine.session, 'latchkey', 'test')
  t.after(() => server.close())
  const post = (path: string, body: unknown, headers: Record<string, string> = SIGNED) =>
    fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body), headers })
  return { server, queries, asked, post }
}

const withSelect = (change: object) => ({ body: JSON.stringify({ ...SELECT, ...change }) })

/** Requests that are rejected without a query, as changes of a valid one, by status and class. */
const REJECTED: readonly (readonly [rejection: string, init: RequestInit, path?: string])[] = [
  ['403 MissingAuthenticationTokenException', { headers: {} }],
  ['403 UnrecognizedClientException', { headers: signed('local') }],
  ['403 UnrecognizedClientException', { headers: signed('test2') }],
  ['403 UnrecognizedClientException', { headers: signed('') }],
  ['400 SerializationException', { body: '{' }],
  ['400 SerializationException', { body: null }],
  ['400 SerializationException', { body: 'null' }],
  ['400 SerializationException', { body: '[]' }],
  ['400 SerializationException', withSelect({ sql: 1 })],
  ['400 SerializationException', withSelect({ parameters: {} })],
  ['400 ValidationException', { body: '{"sql":"SELECT 1"}' }],
  ['404 UnknownOperationException', {}, '/ExecuteSql'],
  ['404 UnknownOperationException', { method: 'GET', body: null }],
]

for (const host of ['127.0.0.1', 'localhost', 'rebound.example', '127.0.0.1.rebound.example']) {
  const served = host === '127.0.0.1' || host === 'localhost'
  test(`as the host ${host} it is ${served ? '' : 'not '}served`, async (t) => {
    const { server, queries } = await serve(t)
    const { port } = new URL(server.url)
    const send = async (method: string, path: string, body: string) => {
      const headers = { ...SIGNED, host: `${host}:${port}` }
      const request = http.request(server.url + path, { method, headers }).end(body)
      const [response] = await once(request, 'response')
      response.resume()
      return response.statusCode
    }
    const status = served ? 200 : 403
    assert.equal(await send('POST', '/Execute', JSON.stringify(SELECT)), status)
    assert.equal(await send('PUT', '/faults', ''), status)
    assert.equal(queries.length, served ? 1 : 0)
  })
}

for (const [rejection, init, path = '/Execute'] of REJECTED) {
  test(`${rejection}: ${path} ${JSON.stringify(init)}`, async (t) => {
    const { server, queries } = await serve(t)
    const usual = { method: 'POST', headers: SIGNED, body: JSON.stringify(SELECT) }
    const response = await fetch(`${server.url}${path}`, { ...usual, ...init })
    assert.equal(`${response.status} ${response.headers.get('x-amzn-errortype')}`, rejection)
    assert.match(response.headers.get('x-amzn-requestid') ?? '', /^[\da-f-]{36}$/)
    assert.match(await response.text(), /^\{"message":"[^"]+"\}$/)
    assert.deepEqual(queries, [])
  })
}

test('each start has an access key id of its own', async (t) => {
  const { engine } = recordingEngine()
  const start = () => serveDataApi(engine.session, 'latchkey')
  const servers = [await start(), await start()]
  t.after(() => Promise.all(servers.map(({ close }) => close())))
  assert.equal(new Set(servers.map(({ accessKeyId }) => accessKeyId)).size, 2)
  for (const { accessKeyId } of servers) assert.ok(accessKeyId.length >= 32)
})

test("an error that is not Postgres's is a 500 without its message, and releases the session", async (t) => {
  const { post } = await serve(t)
  const response = await post('/Execute', { ...TARGET, sql: 'FAIL' })
  assert.equal(response.status, 500)
  assert.equal(response.headers.get('x-amzn-errortype'), 'InternalServerErrorException')
  assert.equal(await response.text(), '{"message":"The local database failed."}')
  assert.equal((await post('/Execute', SELECT)).status, 200)
})

test('closing rolls back open transactions, serves waiting calls, and begins no transaction', async (t) => {
  const { server, queries, asked, post } = await serve(t)
  await post('/BeginTransaction', TARGET)
  const waiting = [post('/Execute', SELECT), post('/BeginTransaction', TARGET)]
  await asked(3)

  await server.close()
  const [execute, begin] = await Promise.all(waiting)
  assert.deepEqual([execute?.status, begin?.status], [200, 500])
  // Kept alive, the connection would have held up the close.
  assert.equal(execute?.headers.get('connection'), 'close')
  assert.deepEqual(queries, ['BEGIN', 'ROLLBACK', 'SELECT 1'])
})
