import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BatchExecuteStatementCommand,
  BeginTransactionCommand,
  ExecuteStatementCommand,
} from '@aws-sdk/client-rds-data'
import { ENGINES } from '../../../test/support/data-api.ts'

for (const { on, skip, start } of ENGINES) {
  test(`operations, on ${on}`, { skip }, async (t) => {
    const { client, execute, target } = await start(t)
    await execute('CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL)')
    await execute('CREATE UNIQUE INDEX people_name_key ON people (lower(name))')
    const insert = 'INSERT INTO people (name) VALUES (:name)'
    const named = (stringValue: string) => [{ name: 'name', value: { stringValue } }]
    const names = async () =>
      (await execute('SELECT name FROM people ORDER BY id')).records?.map(
        ([field]) => field?.stringValue,
      )

    /** What Postgres refuses, and AWS's words for it; Postgres's DETAIL is in none of them. */
    const DATABASE_ERRORS: Record<string, string> = {
      "INSERT INTO people (name) VALUES ('x'), ('X')":
        'duplicate key value violates unique constraint "people_name_key"; SQLState: 23505',
      'INSERT INTO people (name) VALUES (NULL)':
        'null value in column "name" of relation "people" violates not-null constraint; SQLState: 23502',
      'SELECT 1 FRM people': 'syntax error at or near "people"; Position: 14; SQLState: 42601',
      'SELECT person.id FROM people p':
        'missing FROM-clause entry for table "person"; Position: 8; SQLState: 42P01',
      'SELECT nam FROM people':
        'column "nam" does not exist; Hint: Perhaps you meant to reference the column "people.name".; Position: 8; SQLState: 42703',
      'SELECT $1::text':
        'bind message supplies 0 parameters, but prepared statement "" requires 1; SQLState: 08P01',
    }
    for (const [sql, message] of Object.entries(DATABASE_ERRORS)) {
      await t.test(`${sql} is a database error with its SQLSTATE`, async () => {
        const error = { name: 'DatabaseErrorException', message: `ERROR: ${message}` }
        await assert.rejects(execute(sql), error)
      })
    }

    await t.test(
      'a setting and a prepared statement end with the call, outside a transaction',
      async () => {
        const show = async () => (await execute('SHOW work_mem')).records
        const before = await show()
        await execute("SET work_mem TO '64kB'")
        assert.deepEqual(await show(), before)
        assert.deepEqual((await execute('SHOW timezone')).records, [[{ stringValue: 'UTC' }]])
        await execute('PREPARE one AS SELECT 1')
        await assert.rejects(execute('EXECUTE one'), { message: /SQLState: 26000$/ })
      },
    )

    await t.test('a failed statement leaves nothing behind, and the next one works', async () => {
      assert.deepEqual(await names(), [])
    })

    await t.test('a second statement is invalid, also where only Postgres can tell', async () => {
      const refusal = { name: 'ValidationException', message: "Multistatements aren't supported." }
      await assert.rejects(execute('SELECT 1; DELETE FROM people'), refusal)
      // A dollar after a letter belongs to the name, but our reader of SQL knows no é: it sees a string.
      await assert.rejects(execute('SELECT 1 AS é$$; SELECT 2 --$$'), refusal)
    })

    await t.test('the schema parameter, no SQL and another database are refused', async () => {
      for (const [change, name, message] of [
        [{ schema: 'public' }, 'ValidationException', /^The schema parameter isn't/],
        [{ sql: '' }, 'ValidationException', /'sql'/],
        [{ database: 'postgres' }, 'DatabaseErrorException', /^FATAL: .*; SQLState: 3D000$/],
      ] as const) {
        const command = new ExecuteStatementCommand({ ...target, sql: 'SELECT 1', ...change })
        await assert.rejects(client.send(command), { name, message })
      }
    })

    await t.test('a transaction cannot be begun by a statement', async () => {
      await assert.rejects(execute('BEGIN'), { name: 'BadRequestException' })
      const begin = new BeginTransactionCommand({ ...target, schema: 'public' })
      await assert.rejects(client.send(begin), { name: 'ValidationException' })
    })

    await t.test('a batch runs the statement once for each set of parameters', async () => {
      const parameterSets = [named('Ada'), named('Grace')]
      const batch = new BatchExecuteStatementCommand({ ...target, sql: insert, parameterSets })
      const { updateResults } = await client.send(batch)
      assert.deepEqual(updateResults, [{ generatedFields: [] }, { generatedFields: [] }])
      assert.deepEqual(await names(), ['Ada', 'Grace'])
    })

    await t.test('a batch in which a set lacks a parameter does nothing', async () => {
      const parameterSets = [named('Edsger'), []]
      const batch = new BatchExecuteStatementCommand({ ...target, sql: insert, parameterSets })
      await assert.rejects(client.send(batch), { name: 'BadRequestException' })
      assert.deepEqual(await names(), ['Ada', 'Grace'])
    })

    await t.test('DDL, an empty statement and a comment alone are statements too', async () => {
      for (const sql of ['CREATE TABLE more ()', ';', '-- nothing']) {
        const { numberOfRecordsUpdated, records } = await execute(sql)
        assert.deepEqual([numberOfRecordsUpdated, records], [0, undefined])
      }
    })
  })
}
