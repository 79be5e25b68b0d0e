import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serveHttp } from '../../test/support/http-endpoint.ts'
import { type HttpOptions, httpEndpoint } from './http-endpoint.ts'

const GET = { method: 'GET', path: '/', headers: {}, body: '' } as const
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'

/** An endpoint at a server on loopback that does with each connection's first bytes what `answer` does. */
async function rawEndpoint(
  t: TestContext,
  answer: (socket: Socket) => unknown,
  options: HttpOptions = {},
  scheme: 'http' | 'https' = 'http',
) {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => answer(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const endpoint = httpEndpoint(new URL(`${scheme}://127.0.0.1:${address.port}`), options)
  t.after(() => {
    endpoint.close()
    server.close()
  })
  return endpoint
}

test('a request is sent and its answer read, whatever the status', async (t) => {
  for (const status of [200, 404, 503]) {
    const { url, requests } = await serveHttp(t, () => ({ status, headers: { a: 'b' }, body: 'ö' }))
    const endpoint = httpEndpoint(new URL(url), {})
    t.after(endpoint.close)
    const answer = await endpoint.send({
      method: 'POST',
      path: '/path?a=b',
      headers: { c: 'd' },
      body: 'Zoë',
    })
    assert.equal(answer.statusCode, status)
    assert.equal(answer.body, 'ö')
    assert.equal(answer.headers['a'], 'b')
    assert.partialDeepStrictEqual(requests, [
      { method: 'POST', path: '/path?a=b', headers: { c: 'd' }, body: 'Zoë' },
    ])
  }
})

test('a character that arrives in two pieces is one', async (t) => {
  const [first = 0, ...rest] = Buffer.from('😀')
  const endpoint = await rawEndpoint(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n')
    socket.write(Uint8Array.of(first))
    setImmediate(() => socket.write(Uint8Array.from(rest)))
  })
  assert.equal((await endpoint.send(GET)).body, '😀')
})

test('an address of IPv6 is one', async (t) => {
  const endpoint = httpEndpoint(new URL('http://[::1]:9'), {})
  t.after(endpoint.close)
  await assert.rejects(endpoint.send(GET), { code: 'ECONNREFUSED', address: '::1' })
})

test('a connection that breaks within the answer rejects', async (t) => {
  const endpoint = await rawEndpoint(t, (socket) => socket.end(`${HEAD}half`))
  await assert.rejects(endpoint.send(GET), { code: 'ECONNRESET' })
})

test('an answer that stops in its middle is over after requestTimeout', async (t) => {
  const endpoint = await rawEndpoint(t, (socket) => socket.write(`${HEAD}half`), {
    requestTimeout: 50,
  })
  await assert.rejects(endpoint.send(GET), {
    name: 'TimeoutError',
    code: 'ETIMEDOUT',
    message: 'There was no answer within 50 ms.',
  })
})

test('a signal ends an answer that has stopped in its middle, and its connection', async (t) => {
  const closed = Promise.withResolvers<void>()
  const abort = new AbortController()
  const endpoint = await rawEndpoint(t, (socket) => {
    socket.once('close', () => closed.resolve())
    socket.write(`${HEAD}half`, () => abort.abort())
  })
  await assert.rejects(endpoint.send(GET, abort.signal), { name: 'AbortError' })
  await closed.promise
})

test('a limit that was not reached ends nothing later', async (t) => {
  const { url } = await serveHttp(t, () => ({ status: 200, headers: {}, body: '' }))
  const endpoint = httpEndpoint(new URL(url), { requestTimeout: 50, connectionTimeout: 50 })
  t.after(endpoint.close)
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  await endpoint.send(GET)
  await new Promise(setImmediate)
  assert.equal(timers(), before)
})

test('connectionTimeout ends with the connection, for a kept one too', async (t) => {
  const { url } = await serveHttp(t, async () => {
    await sleep(60)
    return { status: 200, headers: {}, body: '' }
  })
  const endpoint = httpEndpoint(new URL(url), { connectionTimeout: 30 })
  t.after(endpoint.close)
  for (let call = 0; call < 2; call += 1) assert.equal((await endpoint.send(GET)).statusCode, 200)
})

test('a connection over TLS has been made when TLS has been', async (t) => {
  const endpoint = await rawEndpoint(t, () => {}, { connectionTimeout: 30 }, 'https')
  await assert.rejects(endpoint.send(GET), {
    name: 'TimeoutError',
    message: 'There was no connection within 30 ms.',
  })
})

test('an answer that changes the protocol rejects, and nothing waits for it', async (t) => {
  const endpoint = await rawEndpoint(t, (socket) =>
    socket.write('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n'),
  )
  await assert.rejects(endpoint.send(GET), { code: 'EPROTO' })
})

test('an option that would not be heeded is refused by its name', () => {
  const options = { requestTimeout: 1, socketTimeout: 1 }
  assert.throws(() => httpEndpoint(new URL('http://localhost'), options), {
    name: 'TypeError',
    message: 'lib/sdk/ has no option socketTimeout.',
  })
})
