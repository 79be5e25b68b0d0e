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

// The requests that Postman imports from openapi.yaml succeed unchanged, with all settings of the import: where it
// finds no value, the converter makes one up, which the sign-up's rules would reject.

const DESCRIPTION = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')

// The converter's second interface calls the first one's requestParametersResolution parametersResolution.
const SETTINGS = [
  ['convert', { requestParametersResolution: 'Schema' }],
  ['convert', { requestParametersResolution: 'Example' }],
  ['convertV2', { parametersResolution: 'Schema' }],
  ['convertV2', { parametersResolution: 'Example' }],
]

/** The requests with a body by their summaries, in an order in which each succeeds, and their statuses. */
const REQUESTS = [
  ['Sign a person up', 201],
  ['Sign a person in', 200],
  ['Delete the account', 204],
  ['Sign a person up', 201],
  ['Change the username', 200],
  ['Change the password', 200],
]

/** Converts openapi.yaml to a Postman collection. */
async function toCollection(convert, options) {
  const input = { type: 'string', data: DESCRIPTION }
  const { result, reason, output } = await promisify(converter[convert])(input, {
    schemaFaker: true,
    ...options,
  })
  assert.ok(result, reason)
  return output[0].data
}

/** Sends one request of a collection, unchanged, to the service at `baseUrl`. */
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
  const [, url, accessKeyId] = /RDS_DATA=(\S+) AWS_ACCESS_KEY_ID=(\S+)/.exec(output)
  const client = createClient(t, url, accessKeyId)
  // The same name signs up in each setting.
  const deleteUsers = () =>
    client.send(
      new ExecuteStatementCommand({
        resourceArn: 'arn:aws:rds:eu-central-1:000000000000:cluster:local',
        // Not the function's: any other secret is the owner's.
        secretArn: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:owner',
        sql: 'DELETE FROM users',
      }),
    )

  for (const [convert, options] of SETTINGS) {
    await t.test(`${convert} ${JSON.stringify(options)}`, async () => {
      await deleteUsers()
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
