import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type ScriptedResponse, scriptDataApi } from '../../test/support/data-api-script.ts'
import { createExecute } from './data-api.ts'

const CLUSTER_ARN = 'arn:aws:rds:eu-central-1:123456789012:cluster:latchkey'
const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:latchkey-AbCdEf'
const NEVER = new AbortController().signal

async function executeAgainst(t: TestContext, script: readonly ScriptedResponse[]) {
  const { client, requests } = await scriptDataApi(t, script)
  const target = { clusterArn: CLUSTER_ARN, secretArn: SECRET_ARN, databaseName: 'latchkey' }
  return { execute: createExecute({ client, ...target }), requests }
}

test('a statement is one call, with its values as named parameters, and resolves with the first row', async (t) => {
  const row = [{ longValue: 7 }, { stringValue: 'gary' }]
  const { execute, requests } = await executeAgainst(t, [{ body: { records: [row, []] } }])
  const values = { text: "'; DROP TABLE users;--", number: 7, nothing: undefined }
  assert.deepEqual(await execute('SELECT :text, :number, :nothing', values, NEVER), row)
  assert.deepEqual(requests, [
    {
      method: 'POST',
      path: '/Execute',
      body: {
        resourceArn: CLUSTER_ARN,
        secretArn: SECRET_ARN,
        database: 'latchkey',
        sql: 'SELECT :text, :number, :nothing',
        parameters: [
          { name: 'text', value: { stringValue: "'; DROP TABLE users;--" } },
          { name: 'number', value: { longValue: 7 } },
          { name: 'nothing', value: { isNull: true } },
        ],
      },
    },
  ])
})

test('a response without rows has no first row, and an empty response is a server error', async (t) => {
  const { execute } = await executeAgainst(t, [
    { body: { records: [], numberOfRecordsUpdated: 0 } },
    { body: { numberOfRecordsUpdated: 0 } },
    { body: {} },
  ])
  assert.equal(await execute('SELECT 1', {}, NEVER), undefined)
  assert.equal(await execute('SELECT 1', {}, NEVER), undefined)
  await assert.rejects(execute('SELECT 1', {}, NEVER), { name: 'EmptyResponse' })
})

test('a call rejects when its signal aborts', async (t) => {
  const { execute } = await executeAgainst(t, [{ hangs: true }])
  await assert.rejects(execute('SELECT 1', {}, AbortSignal.timeout(50)), { name: 'AbortError' })
})
