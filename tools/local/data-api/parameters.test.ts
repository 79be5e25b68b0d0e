import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Field, SqlParameter, TypeHint } from '@aws-sdk/client-rds-data'
import { ENGINES } from '../../../test/support/data-api.ts'

const ID = '6d3bbd5c-33a3-4e2c-a7d4-9a2b06f1f0a1'

const a = (value: Field, typeHint?: TypeHint): SqlParameter[] => [
  { name: 'a', value, ...(typeHint && { typeHint }) },
]

/** Kinds of values, and the type that Postgres sees. */
const BOUND_AS: readonly (readonly [value: Field, type: string, hint?: TypeHint])[] = [
  [{ stringValue: 'x' }, 'text'],
  [{ longValue: 1 }, 'bigint'],
  [{ doubleValue: 1.5 }, 'double precision'],
  [{ booleanValue: true }, 'boolean'],
  [{ blobValue: new Uint8Array([1]) }, 'bytea'],
  [{ stringValue: ID }, 'uuid', 'UUID'],
  [{ stringValue: '{"a": 1}' }, 'json', 'JSON'],
  [{ stringValue: '1.50' }, 'numeric', 'DECIMAL'],
  [{ stringValue: '2026-02-03' }, 'date', 'DATE'],
  [{ stringValue: '04:05:06' }, 'time without time zone', 'TIME'],
  [{ stringValue: '2026-02-03 04:05:06' }, 'timestamp without time zone', 'TIMESTAMP'],
]

/** Strings that Postgres reads, and AWS refuses under the hint. */
const OUT_OF_FORMAT: readonly (readonly [hint: TypeHint, value: string])[] = [
  ['TIMESTAMP', '2026-02-03T04:05:06'],
  ['TIMESTAMP', '2026-02-03T04:05:06.789Z'],
  ['TIMESTAMP', '2026-02-03 04:05:06Z'],
  ['TIMESTAMP', '2026-02-03 04:05:06+01:00'],
  ['TIMESTAMP', '2026-02-03'],
  ['DATE', '2026-02-03 04:05:06'],
  ['DATE', '3 February 2026'],
  ['TIME', '04:05'],
  ['TIME', '04:05:06+01'],
]

/** Columns that take a value of another type only with a cast or a hint. */
const STRICT: Record<string, [column: string, value: Field, cast: string]> = {
  'a string in a uuid column': ['uuid', { stringValue: ID }, 'uuid'],
  'a string in a jsonb column': ['jsonb', { stringValue: '{"a":1}' }, 'jsonb'],
  'a string in an integer column': ['int', { stringValue: '1' }, 'int'],
  'a string in a timestamptz column': ['timestamptz', { stringValue: '2026-02-03' }, 'timestamptz'],
  'a long in a boolean column': ['bool', { longValue: 1 }, 'int::bool'],
  'a boolean in an integer column': ['int', { booleanValue: true }, 'int'],
  'a blob in a boolean column': ['bool', { blobValue: new Uint8Array() }, 'text::text IS NOT NULL'],
}

for (const { on, skip, start } of ENGINES) {
  test(`parameters, on ${on}`, { skip }, async (t) => {
    const { execute } = await start(t)
    const one = async (sql: string, parameters: SqlParameter[]) =>
      (await execute(sql, parameters)).records?.[0]?.[0]

    for (const [value, type, hint] of BOUND_AS) {
      await t.test(`${Object.keys(value)} ${hint ?? ''} is bound as ${type}`, async () => {
        const bound = await one('SELECT pg_typeof(:a)::text', a(value, hint))
        assert.deepEqual(bound, { stringValue: type })
      })
    }

    for (const [name, [column, value, cast]] of Object.entries(STRICT)) {
      await t.test(`${name} needs a cast`, async () => {
        await execute(`CREATE TABLE strict (c ${column})`)
        const refusal = {
          name: 'DatabaseErrorException',
          message: /^ERROR: column "c" is of type .*; Hint: .*; Position: \d+; SQLState: 42804$/,
        }
        await assert.rejects(execute('INSERT INTO strict VALUES (:a)', a(value)), refusal)
        await execute(`INSERT INTO strict VALUES (:a::${cast})`, a(value))
        await execute('DROP TABLE strict')
      })
    }

    await t.test('a string meets an array of text, and none of varchar', async () => {
      const contains = (type: string) =>
        execute(`SELECT 1 WHERE ARRAY['a']::${type}[] @> ARRAY[:a]`, a({ stringValue: 'a' }))
      assert.equal((await contains('text')).records?.length, 1)
      await assert.rejects(contains('varchar'), { message: /SQLState: 42883$/ })
    })

    for (const [hint, stringValue] of OUT_OF_FORMAT) {
      await t.test(`${stringValue} is no ${hint}`, async () => {
        const refusal = { name: 'BadRequestException', message: /^Parse Error for / }
        await assert.rejects(execute('SELECT :a', a({ stringValue }, hint)), refusal)
      })
    }

    await t.test('a hint does what the cast does', async () => {
      await execute('CREATE TABLE hinted (u uuid, j jsonb)')
      const insert = 'INSERT INTO hinted VALUES (:u, :j) RETURNING u, j'
      const { records } = await execute(insert, [
        { name: 'u', value: { stringValue: ID }, typeHint: 'UUID' },
        { name: 'j', value: { stringValue: '{"a": [1, "two"]}' }, typeHint: 'JSON' },
      ])
      assert.deepEqual(records, [[{ stringValue: ID }, { stringValue: '{"a": [1, "two"]}' }]])
    })

    await t.test('a long goes into a text column, and not into one too small for it', async () => {
      await execute('CREATE TABLE longs (t text, i int)')
      await execute('INSERT INTO longs (t) VALUES (:a)', a({ longValue: 7 }))
      assert.deepEqual(await one('SELECT t FROM longs', []), { stringValue: '7' })
      const tooBig = execute('INSERT INTO longs (i) VALUES (:a)', a({ longValue: 2 ** 31 }))
      await assert.rejects(tooBig, { message: 'ERROR: integer out of range; SQLState: 22003' })
    })

    await t.test('null goes into a column of any type', async () => {
      await execute('CREATE TABLE nulls (u uuid, i int, b bytea, t timestamptz)')
      const sql = 'INSERT INTO nulls VALUES (:a, :a, :a, :a) RETURNING *'
      const { records } = await execute(sql, a({ isNull: true }))
      assert.deepEqual(records, [Array(4).fill({ isNull: true })])
    })

    await t.test('a value is never read as SQL', async () => {
      const hostile = { stringValue: `'; DROP TABLE users; -- :b $1 \\ " é 🔑` }
      assert.deepEqual(await one('SELECT :a', a(hostile)), hostile)
    })

    await t.test('U+0000 in a string is refused by Postgres', async () => {
      const refusal = { name: 'DatabaseErrorException', message: /SQLState: 22021$/ }
      await assert.rejects(execute('SELECT :a', a({ stringValue: 'a\0b' })), refusal)
    })

    await t.test('a parameter that the statement does not name is ignored', async () => {
      const parameters = [...a({ longValue: 1 }), { name: 'b', value: { longValue: 2 } }]
      assert.deepEqual(await one('SELECT :a', parameters), { longValue: 1 })
    })

    await t.test('a name without a parameter is a bad request', async () => {
      const refusal = { name: 'BadRequestException', message: 'Cannot find parameter: b' }
      await assert.rejects(execute('SELECT :a, :b', a({ longValue: 1 })), refusal)
    })

    await t.test('an array, no value and no name are invalid', async () => {
      const array = a({ arrayValue: { longValues: [1] } })
      for (const parameters of [array, [{ name: 'a' }], [{ value: { longValue: 1 } }]]) {
        await assert.rejects(execute('SELECT :a', parameters), { name: 'ValidationException' })
      }
    })
  })
}
