import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Field } from '@aws-sdk/client-rds-data'
import { ENGINES } from '../../../test/support/data-api.ts'

/** SQL expressions and the Field in which each comes back. */
const FIELDS: Record<string, Field> = {
  NULL: { isNull: true },
  true: { booleanValue: true },
  false: { booleanValue: false },
  '1::int2': { longValue: 1 },
  '-2': { longValue: -2 },
  '9007199254740991': { longValue: Number.MAX_SAFE_INTEGER },
  '1.5::float4': { doubleValue: 1.5 },
  '1e300::float8': { doubleValue: 1e300 },
  "'NaN'::float8": { doubleValue: Number.NaN },
  "'-Infinity'::float8": { doubleValue: Number.NEGATIVE_INFINITY },
  '1.50::numeric': { stringValue: '1.50' },
  "'é🔑'": { stringValue: 'é🔑' },
  "''": { stringValue: '' },
  "'ab'::char(3)": { stringValue: 'ab ' },
  "'\\x00ff'::bytea": { blobValue: new Uint8Array([0, 255]) },
  "''::bytea": { blobValue: new Uint8Array() },
  "'6D3BBD5C-33A3-4E2C-A7D4-9A2B06F1F0A1'::uuid": {
    stringValue: '6d3bbd5c-33a3-4e2c-a7d4-9a2b06f1f0a1',
  },
  "'{}'::int[]": { arrayValue: { longValues: [] } },
  'ARRAY[1, -2]': { arrayValue: { longValues: [1, -2] } },
  'ARRAY[1.5]::float8[]': { arrayValue: { doubleValues: [1.5] } },
  'ARRAY[true, false]': { arrayValue: { booleanValues: [true, false] } },
  'ARRAY[1.50]': { arrayValue: { stringValues: ['1.50'] } },
  "ARRAY['a', '', 'b c', 'd,e', 'NULL', '{}', E'\"\\\\']": {
    arrayValue: { stringValues: ['a', '', 'b c', 'd,e', 'NULL', '{}', '"\\'] },
  },
  "ARRAY['2026-02-03 04:05:06.7'::timestamp]": {
    arrayValue: { stringValues: ['2026-02-03 04:05:06.700'] },
  },
  '\'{"a": null}\'::jsonb': { stringValue: '{"a": null}' },
  "'2026-02-03'::date": { stringValue: '2026-02-03' },
  "'04:05:06.5'::time": { stringValue: '04:05:06.500' },
  "'2026-02-03 04:05:06.1234'::timestamp": { stringValue: '2026-02-03 04:05:06.123400' },
  "'2026-02-03 04:05:06+00'::timestamptz": { stringValue: '2026-02-03 04:05:06' },
  "'2026-02-03 04:05:06.7-03'::timestamptz": { stringValue: '2026-02-03 07:05:06.700' },
}

const UNSUPPORTED = {
  INTERVAL: "'1 day'::interval",
  TIMETZ: "'04:05+00'::timetz",
  'BYTEA[]': "ARRAY['a'::bytea]",
}

for (const { on, skip, start } of ENGINES) {
  test(`results, on ${on}`, { skip }, async (t) => {
    const { execute } = await start(t)
    for (const [sql, field] of Object.entries(FIELDS)) {
      await t.test(`${sql} comes back as ${Object.keys(field)}`, async () => {
        assert.deepEqual((await execute(`SELECT ${sql}`)).records, [[field]])
      })
    }

    for (const [name, sql] of Object.entries(UNSUPPORTED)) {
      await t.test(`${name} does not come back, cast to text it does`, async () => {
        const message = `The result contains the unsupported data type ${name}.`
        const refusal = { name: 'UnsupportedResultException', message }
        await assert.rejects(execute(`SELECT ${sql}`), refusal)
        assert.ok((await execute(`SELECT (${sql})::text`)).records?.[0]?.[0]?.stringValue)
      })
    }

    await t.test('an array of two dimensions does not come back', async () => {
      const refusal = { name: 'UnsupportedResultException', message: /more than one dimension/ }
      await assert.rejects(execute('SELECT ARRAY[ARRAY[1]]'), refusal)
    })

    await t.test('a SELECT reports no written row, and no column metadata unasked', async () => {
      const { $metadata, ...response } = await execute('SELECT 1 WHERE false')
      assert.deepEqual(response, { generatedFields: [], numberOfRecordsUpdated: 0, records: [] })
    })

    await t.test('a write says how many rows; only RETURNING gives them', async () => {
      await execute('CREATE TABLE written (id serial, name text)')
      const insert = "INSERT INTO written (name) VALUES ('a'), ('b')"
      const { $metadata, ...answer } = await execute(insert, [], { includeResultMetadata: true })
      assert.deepEqual(answer, { generatedFields: [], numberOfRecordsUpdated: 2 })
      const returning = await execute(`${insert} RETURNING id, name`)
      assert.equal(returning.numberOfRecordsUpdated, 2)
      assert.deepEqual(returning.records, [
        [{ longValue: 3 }, { stringValue: 'a' }],
        [{ longValue: 4 }, { stringValue: 'b' }],
      ])
    })

    await t.test('column metadata: name, label, type', async () => {
      const sql = `SELECT 1 AS "oneColumn", 'x'::varchar AS two, now() AS three, '{}'::jsonb AS four`
      const { columnMetadata } = await execute(sql, [], { includeResultMetadata: true })
      assert.deepEqual(columnMetadata, [
        { name: 'oneColumn', label: 'oneColumn', typeName: 'int4', type: 4 },
        { name: 'two', label: 'two', typeName: 'varchar', type: 12 },
        { name: 'three', label: 'three', typeName: 'timestamptz', type: 93 },
        { name: 'four', label: 'four', typeName: 'jsonb', type: 1111 },
      ])
    })

    await t.test('formatRecordsAs JSON formats what a SELECT returns', async () => {
      const asJson = { formatRecordsAs: 'JSON' } as const
      const sql = `SELECT 1 AS a, 'x' AS b, NULL AS c, true AS d, '\\x01'::bytea AS e, 1.50 AS f
      UNION ALL SELECT 2, 'y', 'z', false, NULL, NULL`
      const { formattedRecords, records } = await execute(sql, [], asJson)
      assert.deepEqual(JSON.parse(formattedRecords ?? ''), [
        { a: 1, b: 'x', c: null, d: true, e: 'AQ==', f: '1.50' },
        { a: 2, b: 'y', c: 'z', d: false, e: null, f: null },
      ])
      assert.equal(records, undefined)

      const insert = 'INSERT INTO written DEFAULT VALUES RETURNING name'
      assert.deepEqual((await execute(insert, [], asJson)).records, [[{ isNull: true }]])
    })

    // Rows of one value: the value's own bytes and six.
    const ofBytes = (count: number) => [
      { name: 'a', value: { longValue: Math.floor((count - 6) / 2) } },
      { name: 'b', value: { stringValue: count % 2 === 0 ? '' : 'x' } },
    ]
    const row = 'SELECT repeat(chr(233), :a::int) || :b'
    const tooLarge = { name: 'UnsupportedResultException' }

    await t.test('a row of 64 KiB comes back, and one of a byte more does not', async () => {
      const { records } = await execute(row, ofBytes(2 ** 16))
      assert.equal(records?.[0]?.[0]?.stringValue?.length, 2 ** 15 - 3)
      await assert.rejects(execute(row, ofBytes(2 ** 16 + 1)), tooLarge)
    })

    await t.test('a result of 1 MiB comes back, and one of a byte more does not', async () => {
      const fifteen = `${row} FROM generate_series(1, 15) UNION ALL SELECT repeat('x', :c::int)`
      const last = (count: number) => [{ name: 'c', value: { longValue: count - 6 } }]
      const { records } = await execute(fifteen, [...ofBytes(2 ** 16), ...last(2 ** 16)])
      assert.equal(records?.length, 16)
      const more = `${fifteen} UNION ALL SELECT ''`
      const parameters = [...ofBytes(2 ** 16), ...last(2 ** 16 - 5)]
      await assert.rejects(execute(more, parameters), tooLarge)
      await assert.rejects(execute(more, parameters, { formatRecordsAs: 'JSON' }), tooLarge)
    })
  })
}
