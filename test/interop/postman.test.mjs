import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ExecuteStatementCommand } from '@aws-sdk/client-rds-data'
import newman from 'newman'
import converter from 'openapi-to-postmanv2'
import { freePort } from '../../tools/local/port.ts'
import { createClient } from '../support/data-api-script.ts'
import { startEndpoint } from '../support/npm-start.ts'
import { copyService } from '../support/service-copy.ts'

// Who imports openapi.yaml into Postman and sends its requests as they are succeeds, whatever the settings of
// the import: the converter makes up values, which the sign-up's rules would refuse, where it finds none.

const DESCRIPTION = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')

// The converter's second interface calls the first one's requestParametersResolution parametersResolution.
const SETTINGS = [
  ['convert', { requestParametersResolution: 'Schema' }],
  ['convert', { requestParametersResolution: 'Example' }],
  ['convertV2', { parametersResolution: 'Schema' }],
  ['convertV2', { parametersResolution: 'Example' }],
]

/** Every request with a body, by its summary, in an order in which each succeeds; and its status. */
const REQUESTS = [
  ['Sign a person up', 201],
  ['Sign a person in', 200],
  ['Delete the account', 204],
  ['Sign a person up', 201],
  ['Change the password', 200],
]

/** The Postman collection of openapi.yaml. */
async function toCollection(convert, options) {
  const input = { type: 'string', data: DESCRIPTION }
  const { result, reason, output } = await promisify(converter[convert])(input, {
    schemaFaker: true,
    ...options,
  })
  assert.ok(result, reason)
  return output[0].data
}

/** Sends one request of a collection, as it is in there, to the service at `baseUrl`. */
async function send(collection, name, variables) {
  const { run } = await promisify(newman.run)({
    collection,
    folder: name,
    envVar: Object.entries(variables).map(([key, value]) => ({ key, value })),
  })
  assert.equal(run.executions.length, 1)
  const [{ request, response, requestError }] = run.executions
  assert.ifError(requestError)
  return { sent: `${request.body}`, status: response.code, body: `${response.stream}` }
}

test('the requests of a Postman collection succeed as they are', async (t) => {
  const port = await freePort('127.0.0.1', 0)
  const { output } = await startEndpoint(t, { cwd: copyService(t), env: { PORT: `${port}` } })
  const [, dataApi] = /(http:\S+)\/faults/.exec(output)
  const client = createClient(t, dataApi)
  // The same name signs up in each setting.
  const deleteEverybody = () =>
    client.send(
      new ExecuteStatementCommand({
        resourceArn: 'arn:aws:rds:eu-central-1:000000000000:cluster:local',
        secretArn: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:local',
        sql: 'DELETE FROM users',
      }),
    )

  for (const [convert, options] of SETTINGS) {
    await t.test(`${convert} ${JSON.stringify(options)}`, async () => {
      await deleteEverybody()
      const collection = await toCollection(convert, options)
      const variables = { baseUrl: `http://localhost:${port}`, bearerToken: '' }
      for (const [name, expected] of REQUESTS) {
        const { sent, status, body } = await send(collection, name, variables)
        assert.equal(status, expected, `${name}: ${sent} got ${body}`)
        variables.bearerToken = /"token":"([^"]+)"/.exec(body)?.[1] ?? variables.bearerToken
      }
    })
  }
})
