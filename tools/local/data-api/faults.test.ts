import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
} from '@aws-sdk/client-rds-data'
import { startDataApi } from '../../../test/support/data-api.ts'
import { recordingEngine } from '../../../test/support/recording-engine.ts'
import { type FaultName, INJECTED_FAULTS } from './faults.ts'
import { success } from './responses.ts'
import { serveDataApi } from './server.ts'

const CALL = {
  method: 'POST',
  headers: { authorization: 'AWS4-HMAC-SHA256 Credential=test/any' },
  body: '{"resourceArn":"arn:…","secretArn":"arn:…","sql":"SELECT 1"}',
}

/** Serves an engine that only records, with an SDK client and plain HTTP requests. */
async function serve(t: TestContext) {
  const { engine, queries } = recordingEngine()
  const api = await startDataApi(t, engine)
  const plan = async (body: string) => {
    const response = await fetch(`${api.url}/faults`, { method: 'PUT', body })
    return `${response.status} ${await response.text()}`
  }
  const call = () => fetch(`${api.url}/Execute`, CALL)
  return { ...api, queries, plan, call }
}

/** Resolves once every fault has met its call. */
async function untilMet(url: string): Promise<void> {
  while ((await (await fetch(`${url}/faults`)).text()) !== '\n') await turnOfTheLoop()
}

type Expected = Record<Exclude<FaultName, 'slow' | 'hang'>, [error: string, hasRun: boolean]>
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

for (const [name, [expected, hasRun]] of Object.entries(EXPECTED)) {
  test(`${name} meets one call, and the next one succeeds`, async (t) => {
    const { execute, planFaults, queries } = await serve(t)
    planFaults(name)
    await assert.rejects(execute('INSERT'), (error) => {
      const { name: errorName, code, $metadata, message } = Object(error)
      const signs = [errorName, $metadata?.httpStatusCode, code]
      assert.equal(signs.filter((sign) => sign !== undefined).join(' '), expected)
      if (name === 'resuming') assert.match(message, /is resuming after being auto-paused\. .*\.$/)
      return true
    })
    await execute('SELECT')
    assert.deepEqual(queries, hasRun ? ['INSERT', 'SELECT'] : ['SELECT'])
  })
}

test('faults come in the order of the plan, to every operation; a lost COMMIT has committed', async (t) => {
  const { client, target, execute, planFaults, queries } = await serve(t)
  const { transactionId } = await client.send(new BeginTransactionCommand(target))
  planFaults('slow:2')
  planFaults('throttled access-denied, reset-after')
  const begin = new BeginTransactionCommand(target)
  await assert.rejects(client.send(begin), { name: 'ThrottlingException' })
  await assert.rejects(execute('SELECT 1'), { name: 'AccessDeniedException' })
  const commit = () => client.send(new CommitTransactionCommand({ ...target, transactionId }))
  await assert.rejects(commit(), { code: 'ECONNRESET' })
  await assert.rejects(commit(), { name: 'TransactionNotFoundException' })
  assert.deepEqual(queries, ['BEGIN', 'COMMIT'])
})

test('a call that hangs is never performed, and ends with its caller', async (t) => {
  const { url, client, target, execute, planFaults, queries } = await serve(t)
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

test('a slow call is performed at once, and its response sent after 3 s or when the server closes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const seen = { called: false, responded: false }
  const call = async () => {
    seen.called = true
    return success({})
  }
  const response = INJECTED_FAULTS.slow(call, new Promise(() => {})).then(() => {
    seen.responded = true
  })
  await turnOfTheLoop()
  t.mock.timers.tick(2_999)
  await turnOfTheLoop()
  assert.deepEqual(seen, { called: true, responded: false })
  t.mock.timers.tick(1)
  await response
  await INJECTED_FAULTS.slow(call, Promise.resolve())
})

test('closing breaks calls that hang, and responds to slow ones', {
  timeout: 10_000,
}, async (t) => {
  const { engine, queries } = recordingEngine()
  const { url, planFaults, close } = await serveDataApi(engine.session, 'latchkey', 'test')
  t.after(close)
  const call = () => fetch(`${url}/Execute`, CALL)
  planFaults('hang:12')
  const hung = Array.from({ length: 12 }, () => assert.rejects(call(), TypeError))
  await untilMet(url)
  planFaults('slow')
  const slow = call()
  await untilMet(url)

  await close()
  await Promise.all(hung)
  assert.equal((await slow).status, 200)
  assert.deepEqual(queries, ['SELECT 1'])
})

test('PUT /faults plans words of the form name or name:COUNT, and GET returns those left', async (t) => {
  const { url, plan, call } = await serve(t)
  for (const [text, left] of Object.entries({
    ' slow,hang:2 ,\n': 'slow hang hang',
    ' , ': '',
    'resuming:2,throttled': 'resuming resuming throttled',
  })) {
    assert.equal(await plan(text), `200 ${left}\n`)
  }
  assert.equal((await call()).headers.get('x-amzn-errortype'), 'DatabaseResumingException')
  assert.equal(await (await fetch(`${url}/faults`)).text(), 'resuming throttled\n')
  assert.equal(await plan(''), '200 \n')
  assert.equal((await call()).status, 200)
  await plan('bad-gateway')
  assert.equal((await call()).headers.get('content-type'), 'text/html')
})

test('any other word is a 400 that lists the names, and keeps the plan', async (t) => {
  const { url, plan, planFaults } = await serve(t)
  planFaults('slow hang')
  for (const word of ['resume', 'Resuming', 'toString', 'slow:0', 'slow:1000', 'slow:', '3']) {
    const rejection = await plan(`throttled ${word}`)
    assert.ok(rejection.startsWith(`400 "${word}" `), rejection)
    for (const name of Object.keys(INJECTED_FAULTS)) assert.ok(rejection.includes(name), name)
  }
  assert.throws(() => planFaults('resume'), /^Error: "resume" /)
  assert.equal(await (await fetch(`${url}/faults`)).text(), 'slow hang\n')
})

test("a page in the developer's browser may not plan faults, and what is no call takes none", async (t) => {
  const { url, plan, call } = await serve(t)
  await plan('throttled')
  const preflight = await fetch(`${url}/faults`, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
  })
  assert.equal(preflight.status, 404)
  assert.equal(preflight.headers.get('access-control-allow-origin'), null)
  assert.equal((await fetch(`${url}/faults`, { method: 'POST', body: 'hang' })).status, 404)
  await fetch(url, { method: 'HEAD' })
  await fetch(`${url}/Execute`, { ...CALL, headers: {} })
  assert.equal((await call()).headers.get('x-amzn-errortype'), 'ThrottlingException')
})
