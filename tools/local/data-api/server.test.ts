import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { recordingEngine } from '../../../test/support/recording-engine.ts'
import { serveDataApi } from './server.ts'

const SIGNED = { authorization: 'AWS4-HMAC-SHA256 Credential=whatever' }
const TARGET = { resourceArn: 'arn:aws:rds:…', secretArn: 'arn:aws:secretsmanager:…' }
const SELECT = { ...TARGET, sql: 'SELECT 1' }

async function serve(t: TestContext) {
  const { engine, queries, asked } = recordingEngine()
  const server = await serveDataApi(engine, 'latchkey')
  t.after(() => server.close())
  const post = (path: string, body: unknown, headers: Record<string, string> = SIGNED) =>
    fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body), headers })
  return { server, queries, asked, post }
}

test("AWS_ENDPOINT_URL_RDS_DATA sends the SDK's own client here", async (t) => {
  const { server, queries } = await serve(t)
  process.env['AWS_ENDPOINT_URL_RDS_DATA'] = server.url
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new RDSDataClient({ region: 'eu-central-1', credentials })
  t.after(() => {
    delete process.env['AWS_ENDPOINT_URL_RDS_DATA']
    client.destroy()
  })
  const { $metadata } = await client.send(new ExecuteStatementCommand(SELECT))
  assert.match($metadata.requestId ?? '', /^[\da-f-]{36}$/)
  assert.deepEqual(queries, ['SELECT 1'])
})

const REFUSALS: Record<string, [init: RequestInit, path: string, status: number, type: string]> = {
  'no signature': [{ headers: {} }, '/Execute', 403, 'MissingAuthenticationTokenException'],
  'a body that is not JSON': [{ body: '{' }, '/Execute', 400, 'SerializationException'],
  'no body': [{ body: null }, '/Execute', 400, 'SerializationException'],
  'a body that is null': [{ body: 'null' }, '/Execute', 400, 'SerializationException'],
  'a body that is a list': [{ body: '[]' }, '/Execute', 400, 'SerializationException'],
  'SQL that is no string': [
    { body: JSON.stringify({ ...SELECT, sql: 1 }) },
    '/Execute',
    400,
    'SerializationException',
  ],
  'parameters that are no list': [
    { body: JSON.stringify({ ...SELECT, parameters: {} }) },
    '/Execute',
    400,
    'SerializationException',
  ],
  'no ARNs': [{ body: '{"sql":"SELECT 1"}' }, '/Execute', 400, 'ValidationException'],
  'an unknown operation': [{}, '/ExecuteSql', 404, 'UnknownOperationException'],
  'a GET': [{ method: 'GET', body: null }, '/Execute', 404, 'UnknownOperationException'],
}

for (const [name, [init, path, status, type]] of Object.entries(REFUSALS)) {
  test(`${name}: ${status} ${type}`, async (t) => {
    const { server, queries } = await serve(t)
    const usual = { method: 'POST', headers: SIGNED, body: JSON.stringify(SELECT) }
    const response = await fetch(`${server.url}${path}`, { ...usual, ...init })
    assert.deepEqual([response.status, response.headers.get('x-amzn-errortype')], [status, type])
    assert.match(await response.text(), /^\{"message":"[^"]+"\}$/)
    assert.deepEqual(queries, [])
  })
}

test('an error that is not Postgres’s is 500, and its message stays inside', async (t) => {
  const { post } = await serve(t)
  const response = await post('/Execute', { ...TARGET, sql: 'FAIL' })
  assert.equal(response.status, 500)
  assert.equal(response.headers.get('x-amzn-errortype'), 'InternalServerErrorException')
  assert.equal(await response.text(), '{"message":"The local database failed."}')
})

test('the session is free again after an error', async (t) => {
  const { post } = await serve(t)
  await post('/Execute', { ...TARGET, sql: 'FAIL' })
  assert.equal((await post('/Execute', SELECT)).status, 200)
})

test('closing rolls back what is open, serves who waits, and begins nothing more', async (t) => {
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
