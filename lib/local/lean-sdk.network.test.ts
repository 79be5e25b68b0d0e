import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { serveHttp } from '../testing/http-endpoint.ts'
import { type Calls, loadBoth, SECRET, STATEMENT } from '../testing/lean-and-whole.ts'

test('a network that fails is told the same with the plugin and without', async (t) => {
  const [lean, whole] = await loadBoth(t)
  const resets = createServer((socket) => socket.on('data', () => socket.resetAndDestroy()))
  await once(resets.listen(0, '127.0.0.1'), 'listening')
  t.after(() => resets.close())
  const address = resets.address()
  assert.ok(address !== null && typeof address === 'object')
  const { url: silent } = await serveHttp(t, () => ({ hangs: true }))
  const timeout = { requestHandler: { requestTimeout: 50, throwOnRequestTimeout: true } }

  for (const { url, options, signal, told } of [
    { url: 'http://127.0.0.1:9', options: {}, told: 'ECONNREFUSED' },
    { url: `http://127.0.0.1:${address.port}`, options: {}, told: 'ECONNRESET' },
    { url: silent, options: timeout, told: 'TimeoutError' },
    { url: silent, options: {}, signal: () => AbortSignal.timeout(50), told: 'AbortError' },
  ]) {
    process.env['AWS_ENDPOINT_URL'] = url
    const call = ({ execute }: Calls) =>
      execute(STATEMENT, { maxAttempts: 1, ...options }, signal?.())
    const ours = JSON.stringify(await call(lean))
    const theirs = JSON.stringify(await call(whole))
    assert.match(theirs, new RegExp(told))
    // The time-out's message says how long it was, to the millisecond.
    assert.equal(ours.replaceAll(/\d+ ?ms/g, ''), theirs.replaceAll(/\d+ ?ms/g, ''))
  }
})

for (const { what, status, attempts } of [
  { what: 'a failure that passes', status: 503, attempts: 3 },
  { what: 'throttling', status: 429, attempts: 3 },
  { what: 'a refusal', status: 400, attempts: 1 },
]) {
  test(`${what} is tried ${attempts === 1 ? 'once' : `${attempts} times`} with the plugin as without`, async (t) => {
    const { url, requests } = await serveHttp(t, () => ({
      status,
      headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'SomeException' },
      body: '{}',
    }))
    process.env['AWS_ENDPOINT_URL'] = url
    for (const { getSecret } of await loadBoth(t)) {
      requests.length = 0
      await getSecret(SECRET, {})
      assert.equal(requests.length, attempts)
    }
  })
}

test('an option that the bundle would not heed is refused', async (t) => {
  const [lean] = await loadBoth(t)
  await assert.rejects(lean.execute(STATEMENT, { retryMode: 'adaptive' }), /no option retryMode/)
})
