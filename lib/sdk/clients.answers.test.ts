import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { HttpAnswer } from '../../test/support/http-endpoint.ts'
import { json, serveSdk } from '../../test/support/sdk-endpoint.ts'
import {
  ExecuteStatementCommand,
  GetSecretValueCommand,
  RDSDataClient,
  SecretsManagerClient,
} from './clients.ts'

/** An operation of each service, and where its errors tell their class, those first that are believed first. */
const OPERATIONS = [
  {
    operation: 'ExecuteStatement',
    createClient: RDSDataClient,
    command: ExecuteStatementCommand({}),
    places: ['header', 'code', '__type'],
  },
  {
    operation: 'GetSecretValue',
    createClient: SecretsManagerClient,
    command: GetSecretValueCommand({}),
    places: ['__type', 'code', 'header'],
  },
] as const

type Operation = Pick<(typeof OPERATIONS)[number], 'createClient' | 'command'>

async function answerTo({ createClient, command }: Operation, t: TestContext, answer: HttpAnswer) {
  await serveSdk(t, [answer])
  const client = createClient({ maxAttempts: 1 })
  t.after(client.destroy)
  return client.send(command)
}

for (const row of OPERATIONS) {
  test(`what ${row.operation} resolves with is the answer's JSON, and its $metadata`, async (t) => {
    const output = { text: 'Zoë 😀', records: [[{ longValue: 7 }]] }
    assert.deepEqual(await answerTo(row, t, json(200, output)), {
      ...output,
      $metadata: { httpStatusCode: 200, requestId: 'request-1' },
    })
  })

  for (const [index, first] of row.places.entries()) {
    const told = row.places.slice(index)
    test(`an error of ${row.operation} told in ${told.join(', ')} is that of ${first}`, async (t) => {
      const body = told.filter((place) => place !== 'header').map((place) => [place, `In-${place}`])
      const headers = told.includes('header') ? { 'x-amzn-errortype': 'In-header' } : {}
      const answer = json(503, { message: 'why', ...Object.fromEntries(body) }, headers)
      await assert.rejects(answerTo(row, t, answer), {
        name: `In-${first}`,
        message: 'why',
        $fault: 'server',
        $metadata: { httpStatusCode: 503, requestId: 'request-1' },
      })
    })
  }

  test(`a page in the place of an answer to ${row.operation} keeps its status`, async (t) => {
    const page = json(502, '<html>', { 'content-type': 'text/html' })
    await assert.rejects(answerTo(row, t, page), {
      name: 'SyntaxError',
      $metadata: { httpStatusCode: 502, requestId: 'request-1' },
    })
  })
}
