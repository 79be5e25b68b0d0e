import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sqlStateOf } from '../../lib/faults/faults.ts'
import { type ScriptedResponse, scriptDataApi } from '../../test/support/data-api-script.ts'
import { migrationDatabase } from '../../test/support/migration-database.ts'

const WHERE = { resourceArn: 'local', secretArn: 'local' }

async function openDatabase(t: TestContext, responses: readonly ScriptedResponse[]) {
  const { url, requests } = await scriptDataApi(t, responses)
  return { database: migrationDatabase(t, url), requests }
}

test('a statement is sent with its values as named texts, and in its transaction', async (t) => {
  const { database, requests } = await openDatabase(t, [{ body: {} }, { body: {} }])
  await database.execute('SELECT 1')
  await database.execute('SELECT :a, :b', { a: 'one', b: '' }, 'the transaction')
  const sent = { ...WHERE, database: 'latchkey' }
  const named = (name: string, stringValue: string) => ({ name, value: { stringValue } })
  const parameters = [named('a', 'one'), named('b', '')]
  const inside = { sql: 'SELECT :a, :b', parameters, transactionId: 'the transaction' }
  assert.deepEqual(requests[0]?.body, { ...sent, sql: 'SELECT 1', parameters: [] })
  assert.deepEqual(requests[1]?.body, { ...sent, ...inside })
})

test('rows are returned as plain values, and a response without rows as an empty list', async (t) => {
  const empty = [{ stringValue: '' }, { longValue: 0 }, { booleanValue: false }, { isNull: true }]
  const fields = [...empty, { stringValue: 'text' }]
  const { database } = await openDatabase(t, [{ body: { records: [fields, []] } }, { body: {} }])
  assert.deepEqual(await database.execute('SELECT'), [['', 0, false, null, 'text'], []])
  assert.deepEqual(await database.execute('CREATE'), [])
})

test('a transaction is begun in the database, and closed by its id', async (t) => {
  const begun = { body: { transactionId: 'the transaction' } }
  const { database, requests } = await openDatabase(t, [begun, { body: {} }, { body: {} }])
  const transactionId = await database.begin()
  assert.equal(transactionId, 'the transaction')
  await database.commit(transactionId)
  await database.rollback(transactionId)
  const sent = requests.map(({ path, body }) => [path, body])
  assert.deepEqual(sent, [
    ['/BeginTransaction', { ...WHERE, database: 'latchkey' }],
    ['/CommitTransaction', { ...WHERE, transactionId }],
    ['/RollbackTransaction', { ...WHERE, transactionId }],
  ])
})

test('a transaction without an id is an error', async (t) => {
  const { database } = await openDatabase(t, [{ body: {} }, { body: { transactionId: '' } }])
  await assert.rejects(database.begin(), TypeError)
  await assert.rejects(database.begin(), { message: /no transaction id/ })
})

test('no call is retried, and the error is the SDK’s', async (t) => {
  const error = { status: 500, errorType: 'InternalServerErrorException', body: {} }
  const { database, requests } = await openDatabase(t, Array<ScriptedResponse>(9).fill(error))
  for (const call of [
    () => database.execute('SELECT 1'),
    () => database.begin(),
    () => database.commit('id'),
    () => database.rollback('id'),
  ]) {
    await assert.rejects(call(), { name: 'InternalServerErrorException' })
  }
  assert.equal(requests.length, 4)
})

test('an error has the last SQLSTATE of its message', () => {
  assert.equal(sqlStateOf(new Error('ERROR: text; Position: 1; SQLState: 42P01')), '42P01')
  assert.equal(sqlStateOf(new Error('value "SQLState: 12345"\n is bad; SQLState: 22001')), '22001')
  assert.equal(sqlStateOf(new Error('socket hang up')), undefined)
  assert.equal(sqlStateOf('SQLState: 42P01'), undefined)
})
