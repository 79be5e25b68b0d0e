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
    const DATABASE_ERRORS: Record<string, [sql: string, message: string]> = {
      'a unique violation': [
        "INSERT INTO people (name) VALUES ('x'), ('X')",
        'ERROR: duplicate key value violates unique constraint "people_name_key"; SQLState: 23505',
      ],
      'NULL where there may be none': [
        'INSERT INTO people (name) VALUES (NULL)',
        'ERROR: null value in column "name" of relation "people" violates not-null constraint; SQLState: 23502',
      ],
      'a syntax error': [
        'SELECT 1 FRM people',
        'ERROR: syntax error at or near "people"; Position: 14; SQLState: 42601',
      ],
      'a table that is not there, with its hint': [
        'SELECT person.id FROM people p',
        'ERROR: missing FROM-clause entry for table "person"; Position: 8; SQLState: 42P01',
      ],
      'a column that is not there': [
        'SELECT nam FROM people',
        'ERROR: column "nam" does not exist; Hint: Perhaps you meant to reference the column "people.name".; Position: 8; SQLState: 42703',
      ],
      'a statement with $1 in it': [
        'SELECT $1::text',
        'ERROR: bind message supplies 0 parameters, but prepared statement "" requires 1; SQLState: 08P01',
      ],
    }
    for (const [name, [sql, message]] of Object.entries(DATABASE_ERRORS)) {
      await t.test(`${name} is a database error with its SQLSTATE`, async () => {
        await assert.rejects(execute(sql), { name: 'DatabaseErrorException', message })
      })
    }

    await t.test('a failed statement leaves nothing behind, and the next one works', async () => {
      assert.deepEqual(await names(), [])
    })

    await t.test('a second statement is invalid, also where only Postgres can tell', async () => {
      const refusal = { name: 'ValidationException', message: "Multistatements aren't supported." }
      await assert.rejects(execute('SELECT 1; DELETE FROM people'), refusal)
      // A dollar after a letter belongs to the name, but our reader of SQL knows no é: it sees a string.
      await assert.rejects(execute('SELECT 1 AS é$$; SELECT 2 --$$'), refusal)
    })

    const INVALID: Record<string, [change: object, name: string, message: RegExp]> = {
      'the schema parameter': [
        { schema: 'public' },
        'ValidationException',
        /^The schema parameter isn't/,
      ],
      'no SQL': [{ sql: '' }, 'ValidationException', /'sql'/],
      'another database': [
        { database: 'postgres' },
        'DatabaseErrorException',
        /^FATAL: database "postgres" does not exist; SQLState: 3D000$/,
      ],
    }
    for (const [name, [change, errorName, message]] of Object.entries(INVALID)) {
      await t.test(`${name} is refused`, async () => {
        const command = new ExecuteStatementCommand({ ...target, sql: 'SELECT 1', ...change })
        await assert.rejects(client.send(command), { name: errorName, message })
      })
    }

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
