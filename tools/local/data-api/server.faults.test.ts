import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
} from '@aws-sdk/client-rds-data'
import { startDataApi } from '../../../test/support/data-api.ts'
import { openTestPglite } from '../../../test/support/pglite.ts'
import { recordingEngine } from '../../../test/support/recording-engine.ts'
import type { FaultName } from './faults.ts'
import { serveDataApi } from './server.ts'

type Expected = Record<Exclude<FaultName, 'slow' | 'hang'>, [error: string, committed: boolean]>
/** The SDK's error (name, HTTP status, errno) for each fault, and whether the statement has run. */
const EXPECTED: Readonly<Expected> = {
  resuming: ['DatabaseResumingException 400', false],
  throttled: ['ThrottlingException 400', false],
  unavailable: ['ServiceUnavailableError 503', false],
  'bad-gateway': ['SyntaxError 502', false],
  'reset-before': ['TimeoutError ECONNRESET', false],
  'reset-after': ['TimeoutError ECONNRESET', true],
  'broken-json': ['SyntaxError 200', true],
  'access-denied': ['AccessDeniedException 403', false],
}

test('each fault meets one call, and the next one behaves', async (t) => {
  const { execute, planFaults } = await startDataApi(t, await openTestPglite())
  await execute('CREATE TABLE met (fault text)')
  for (const [name, [expected, committed]] of Object.entries(EXPECTED)) {
    await t.test(name, async () => {
      planFaults(name)
      const parameters = [{ name: 'name', value: { stringValue: name } }]
      await assert.rejects(execute('INSERT INTO met VALUES (:name)', parameters), (error) => {
        const { name: errorName, code, $metadata, message } = Object(error)
        const signs = [errorName, $metadata?.httpStatusCode, code]
        assert.equal(signs.filter((sign) => sign !== undefined).join(' '), expected)
        if (name === 'resuming')
          assert.match(message, /is resuming after being auto-paused\. .*\.$/)
        return true
      })
      const { records } = await execute(`SELECT 1 FROM met WHERE fault = '${name}'`)
      assert.equal(records?.length, committed ? 1 : 0)
    })
  }
})

test('faults come in the order of the plan, to whichever operation is called', async (t) => {
  const { client, target, execute, planFaults } = await startDataApi(t, await openTestPglite())
  planFaults('throttled access-denied, reset-after')
  const begin = () => client.send(new BeginTransactionCommand(target))
  await assert.rejects(begin(), { name: 'ThrottlingException' })
  await assert.rejects(execute('SELECT 1'), { name: 'AccessDeniedException' })
  await assert.rejects(begin(), { code: 'ECONNRESET' })
})

test('a COMMIT whose response is lost has committed', async (t) => {
  const { client, target, execute, planFaults } = await startDataApi(t, await openTestPglite())
  await execute('CREATE TABLE met (fault text)')
  const { transactionId } = await client.send(new BeginTransactionCommand(target))
  assert.ok(transactionId)
  await execute("INSERT INTO met VALUES ('commit')", [], { transactionId })
  planFaults('reset-after')
  const commit = client.send(new CommitTransactionCommand({ ...target, transactionId }))
  await assert.rejects(commit, { code: 'ECONNRESET' })
  assert.equal((await execute('SELECT * FROM met')).records?.length, 1)
})

test('a call that hangs is never done, and ends with its caller', async (t) => {
  const { engine, queries } = recordingEngine()
  const { url, client, target, execute, planFaults } = await startDataApi(t, engine)
  planFaults('hang')
  const patience = new AbortController()
  const select = new ExecuteStatementCommand({ ...target, sql: 'SELECT 1' })
  const hung = client.send(select, { abortSignal: patience.signal })
  await untilMet(url)
  await execute('SELECT 2')
  patience.abort()
  await assert.rejects(hung, { name: 'AbortError' })
  assert.deepEqual(queries, ['SELECT 2'])
})

/** Resolves once every fault has met its call. */
async function untilMet(url: string): Promise<void> {
  while ((await (await fetch(`${url}/faults`)).text()) !== '\n') await turnOfTheLoop()
}

const CALL = {
  method: 'POST',
  headers: { authorization: 'AWS4-HMAC-SHA256 Credential=whatever' },
  body: '{"resourceArn":"arn:…","secretArn":"arn:…","sql":"SELECT 1"}',
}

async function serve(t: TestContext) {
  const { engine, queries } = recordingEngine()
  const server = await serveDataApi(engine.session, 'latchkey')
  t.after(() => server.close())
  const plan = async (body: string) => {
    const response = await fetch(`${server.url}/faults`, { method: 'PUT', body })
    return { status: response.status, text: await response.text() }
  }
  const call = () => fetch(`${server.url}/Execute`, CALL)
  return { server, queries, plan, call }
}

test("a proxy's page is HTML and names no error class", async (t) => {
  const { plan, call } = await serve(t)
  await plan('bad-gateway')
  const { status, headers } = await call()
  assert.deepEqual([status, headers.get('content-type')], [502, 'text/html'])
  assert.equal(headers.get('x-amzn-errortype'), null)
})

test('closing breaks calls that hang, and responds to slow ones', {
  timeout: 10_000,
}, async (t) => {
  const { server, queries, call } = await serve(t)
  server.planFaults('hang:12')
  const hung = Array.from({ length: 12 }, () => assert.rejects(call(), TypeError))
  await untilMet(server.url)
  server.planFaults('slow')
  const slow = call()
  await untilMet(server.url)

  await server.close()
  await Promise.all(hung)
  assert.equal((await slow).status, 200)
  assert.deepEqual(queries, ['SELECT 1'])
})

test('PUT /faults plans the faults, and GET returns which are left', async (t) => {
  const { server, plan, call } = await serve(t)
  const planned = { status: 200, text: 'resuming resuming throttled\n' }
  assert.deepEqual(await plan('resuming:2,throttled'), planned)
  assert.equal((await call()).headers.get('x-amzn-errortype'), 'DatabaseResumingException')
  const left = await fetch(`${server.url}/faults`)
  assert.equal(await left.text(), 'resuming throttled\n')
  assert.deepEqual(await plan(''), { status: 200, text: '\n' })
  assert.equal((await call()).status, 200)
})

test('a wrong word is a 400 that names the right ones, and plans nothing', async (t) => {
  const { server, plan, call } = await serve(t)
  const { status, text } = await plan('throttled resume')
  assert.equal(status, 400)
  assert.match(text, /^"resume" is no fault\. .* resuming, .*access-denied\.\n$/)
  assert.throws(() => server.planFaults('resume'), /^Error: "resume" is no fault\./)
  assert.equal((await call()).status, 200)
})

test("a page in the developer's browser may not plan faults, and what is no call takes none", async (t) => {
  const { server, plan, call } = await serve(t)
  await plan('throttled')
  const asked = await fetch(`${server.url}/faults`, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
  })
  assert.equal(asked.status, 404)
  assert.equal(asked.headers.get('access-control-allow-origin'), null)
  const posted = await fetch(`${server.url}/faults`, { method: 'POST', body: 'hang' })
  assert.equal(posted.status, 404)
  await fetch(server.url, { method: 'HEAD' })
  await fetch(`${server.url}/Execute`, { ...CALL, headers: {} })
  assert.equal((await call()).headers.get('x-amzn-errortype'), 'ThrottlingException')
})
