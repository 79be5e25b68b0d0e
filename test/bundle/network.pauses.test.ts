import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { bundleFunction } from '../support/bundled-function.ts'
import { environment, readEvent } from '../support/handler.ts'

// Over plain TCP, since no HTTP library sends such responses. The time limits are those of production.

const SIGN_UP = readEvent('sign-up')
const ROW = { records: [[{ longValue: 7 }, { stringValue: 'gary' }]] }
const SECRET = { SecretString: 'the key that Secrets Manager keeps, of more than 32 bytes' }
const HEADERS = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{'

type Disturb = (socket: Socket) => unknown

const stall: Disturb = (socket) => socket.write(HEADERS)
const trickle: Disturb = (socket) => {
  socket.write(HEADERS)
  const timer = setInterval(() => socket.write(' '), 200)
  socket.on('close', () => clearInterval(timer))
}
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'

/** A disturbance of a request that has been read, and the number of requests that exhausts the SDK's own retries. */
const NETWORK_FAULTS: readonly (readonly [name: string, times: number, Disturb])[] = [
  ['a body that stalls after the headers', 1, stall],
  ['a body that trickles', 1, trickle],
  ['status 101', 3, (socket) => socket.write(SWITCHING)],
  ['a reset', 3, (socket) => socket.resetAndDestroy()],
]

/** Disturbs the first `times` requests, and sends `body` as JSON to all that follow. */
async function serveOverTcp(
  t: TestContext,
  body: object,
  disturb: Disturb = () => {},
  times = 0,
): Promise<string> {
  const text = JSON.stringify(body)
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${text.length}`
  let requests = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
      // Every request here is JSON that ends with a brace.
      if (!received.endsWith('}')) return
      received = ''
      requests += 1
      if (requests <= times) disturb(socket)
      else socket.write(`${head}\r\n\r\n${text}`)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return `http://127.0.0.1:${address.port}`
}

const { run } = await bundleFunction()

// Few concurrently: each has a second for its hash and its call.
test('after a network fault the next request in the same process succeeds', {
  concurrency: 4,
}, async (t) => {
  const cases = NETWORK_FAULTS.flatMap(([name, times, disturb]) => [
    t.test(`at the Data API: ${name}`, async (t) => {
      const env = environment(await serveOverTcp(t, ROW, disturb, 1))
      // Time for one call that hangs, and no more.
      const options = { remainingMilliseconds: 2200, inTurn: true }
      const { statusCodes, stderr } = await run(env, [SIGN_UP, SIGN_UP], options)
      const retried = name === 'a reset'
      assert.deepEqual(statusCodes, [retried ? '201' : '503', '201'])
      if (!retried) assert.match(stderr, /^\{[^\n]*"code":"timed_out"[^\n]*\}\n$/)
    }),
    t.test(`at the Data API: ${name}, within the time of one request`, async (t) => {
      const env = environment(await serveOverTcp(t, ROW, disturb, 1))
      const { statusCodes, stderr } = await run(env, [SIGN_UP], { remainingMilliseconds: 5000 })
      assert.deepEqual([statusCodes, stderr], [['201'], ''])
    }),
    t.test(`at Secrets Manager: ${name}`, async (t) => {
      const { JWT_SECRET: _, ...settings } = environment(await serveOverTcp(t, ROW))
      const env = {
        ...settings,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: await serveOverTcp(t, SECRET, disturb, times),
        JWT_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:jwt',
      }
      const { statusCodes, stderr } = await run(env, [SIGN_UP, SIGN_UP], { inTurn: true })
      assert.deepEqual(statusCodes, ['500', '201'])
      assert.match(stderr, /"error":"SigningKeyError"/)
    }),
  ])
  await Promise.all(cases)
})
