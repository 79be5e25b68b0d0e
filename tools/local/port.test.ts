import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { freePort, readPort } from './port.ts'

test('PORT is a port, by default 3000', () => {
  const values = { '': 3000, 1: 1, 8080: 8080, 65535: 65_535 }
  for (const [value, port] of Object.entries(values)) assert.equal(readPort(value), port)
  assert.equal(readPort(undefined), 3000)
  for (const value of ['0', '65536', '-1', '80.5', '8e3', '0x50', ' 80', '80 81', 'http']) {
    assert.throws(() => readPort(value), { message: /^PORT is wrong: .*1 to 65535/ }, value)
  }
})

test('a port in use is an error that says what to do', async () => {
  const port = await freePort('127.0.0.1', 0)
  assert.equal(await freePort('127.0.0.1', port), port)

  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const inUse =
    /^Error: Port \d+ is in use or not allowed \(EADDRINUSE\)\. .*: PORT=3001 npm start$/
  await assert.rejects(freePort('127.0.0.1', port), inUse)
  server.close()
  await once(server, 'close')
  assert.equal(await freePort('127.0.0.1', port), port)
})
