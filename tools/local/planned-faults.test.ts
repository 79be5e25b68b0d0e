import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { recordingEngine } from '../../test/support/recording-engine.ts'
import { serveDataApi } from './data-api/server.ts'
import { planFaults, readPlannedFaults } from './planned-faults.ts'

test('DATA_API_FAULTS is a plan, or an error that names the variable and the faults', () => {
  assert.equal(readPlannedFaults(undefined), '')
  assert.equal(readPlannedFaults(' '), '')
  assert.equal(readPlannedFaults('resuming:3 slow'), 'resuming:3 slow')
  assert.throws(
    () => readPlannedFaults('resume'),
    /^Error: DATA_API_FAULTS is wrong: "resume" is no fault\. .* resuming,/,
  )
})

test('the plan goes to the database that is used, and what is left of it with its user', async (t) => {
  const server = await serveDataApi(recordingEngine().engine, 'latchkey')
  t.after(() => server.close())
  const left = async () => (await fetch(`${server.url}/faults`)).text()
  let closed = 0
  const borrowed = {
    dataApiUrl: server.url,
    async close() {
      closed += 1
    },
  }

  const database = await planFaults(borrowed, 'slow:2')
  assert.equal(database.dataApiUrl, server.url)
  assert.equal(await left(), 'slow slow\n')
  await database.close()
  assert.equal(await left(), '\n')
  assert.equal(closed, 1)
})

test('closing works though the owner of the database has ended', async () => {
  const server = await serveDataApi(recordingEngine().engine, 'latchkey')
  const database = await planFaults({ dataApiUrl: server.url, close: async () => {} }, 'slow')
  await server.close()
  await database.close()
})

test('a database that takes no plan is an error', async (t) => {
  const { url, close } = await serveNothing()
  t.after(close)
  await assert.rejects(planFaults({ dataApiUrl: url, close: async () => {} }, 'slow'), /refuses/)
})

/** A server that knows no faults, as an older Latchkey's. */
async function serveNothing() {
  const server = createServer((_request, response) => response.writeHead(404).end('None.'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address !== 'string')
  return { url: `http://127.0.0.1:${address.port}`, close: () => void server.close() }
}
