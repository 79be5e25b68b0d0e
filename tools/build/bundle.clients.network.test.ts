import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { describeFault, retryFor } from '../../lib/faults.ts'
import { serveHttp } from '../../test/support/http-endpoint.ts'
import { type Calls, loadBoth, SECRET, STATEMENT } from '../../test/support/own-and-sdk-clients.ts'

test("a network that fails means the same by our clients and by the SDK's", async (t) => {
  const [own, sdk] = await loadBoth(t)
  const resets = createServer((socket) => socket.on('data', () => socket.resetAndDestroy()))
  await once(resets.listen(0, '127.0.0.1'), 'listening')
  t.after(() => resets.close())
  const address = resets.address()
  assert.ok(address !== null && typeof address === 'object')
  const { url: silent } = await serveHttp(t, () => ({ hangs: true }))
  const timeout = { requestHandler: { requestTimeout: 50, throwOnRequestTimeout: true } }

  for (const { url, options, signal, means } of [
    { url: 'http://127.0.0.1:9', options: {}, means: 'ECONNREFUSED' },
    { url: `http://127.0.0.1:${address.port}`, options: {}, means: 'ECONNRESET' },
    { url: silent, options: timeout, means: 'ETIMEDOUT' },
    { url: silent, options: {}, signal: () => AbortSignal.timeout(50), means: 'timed_out' },
  ]) {
    process.env['AWS_ENDPOINT_URL'] = url
    const meaningOf = async ({ execute }: Calls) => {
      const thrown = await execute(STATEMENT, { maxAttempts: 1, ...options }, signal?.())
      // The names are not the same: the SDK calls a reset connection a time-out.
      const { reason, errno } = describeFault(thrown)
      return { reason, errno, retry: retryFor(thrown) }
    }
    const ours = await meaningOf(own)
    assert.deepEqual(ours, await meaningOf(sdk))
    assert.ok(Object.values(ours).includes(means), means)
  }
})

for (const { what, status, attempts } of [
  { what: 'a failure that passes', status: 503, attempts: 3 },
  { what: 'throttling', status: 429, attempts: 3 },
  { what: 'a refusal', status: 400, attempts: 1 },
]) {
  test(`${what} is tried ${attempts === 1 ? 'once' : `${attempts} times`} by our clients as by the SDK's`, async (t) => {
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
  const [own] = await loadBoth(t)
  await assert.rejects(own.execute(STATEMENT, { retryMode: 'adaptive' }), /no option retryMode/)
})
