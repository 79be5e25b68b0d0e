import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BatchExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  type Field,
  type SqlParameter,
  type TypeHint,
} from '@aws-sdk/client-rds-data'
import { ENGINES } from '../../../test/support/data-api.ts'
import { ACCESS_KEY_ID } from '../../../test/support/data-api-script.ts'

const ID = '6d3bbd5c-33a3-4e2c-a7d4-9a2b06f1f0a1'

const a = (value: Field, typeHint?: TypeHint): SqlParameter[] => [
  { name: 'a', value, ...(typeHint && { typeHint }) },
]

/** Fields by the SQL expression that they are the value of. */
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
    arrayValue: { stringValues: ['2026-02-03 04:05:06.7'] },
  },
  '\'{"a": null}\'::jsonb': { stringValue: '{"a": null}' },
  "'2026-02-03'::date": { stringValue: '2026-02-03' },
  "'04:05:06.5'::time": { stringValue: '04:05:06.5' },
  "'2026-02-03 04:05:06.1234'::timestamp": { stringValue: '2026-02-03 04:05:06.1234' },
  "'2026-02-03 04:05:06+00'::timestamptz": { stringValue: '2026-02-03 04:05:06' },
  "'2026-02-03 04:05:06.7-03'::timestamptz": { stringValue: '2026-02-03 07:05:06.7' },
  "'1 day'::interval::text": { stringValue: '1 day' },
}

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

/** Values by the type of a column that takes them only with a cast. */
const NEEDS_CAST: readonly (readonly [column: string, value: Field, cast?: string])[] = [
  ['uuid', { stringValue: ID }],
  ['jsonb', { stringValue: '{"a":1}' }],
  ['int', { stringValue: '1' }],
  ['timestamptz', { stringValue: '2026-02-03' }],
  ['bool', { longValue: 1 }, 'int::bool'],
  ['int', { booleanValue: true }],
  ['bool', { blobValue: new Uint8Array() }, 'text::text IS NOT NULL'],
]

/** Strings that Postgres reads, and AWS rejects under the hint. */
const OUT_OF_FORMAT: readonly (readonly [hint: TypeHint, ...values: string[]])[] = [
  ['TIMESTAMP', '2026-02-03T04:05:06', '2026-02-03T04:05:06.789Z', '2026-02-03 04:05:06Z'],
  ['TIMESTAMP', '2026-02-03 04:05:06+01:00', '2026-02-03'],
  ['DATE', '2026-02-03 04:05:06', '3 February 2026'],
  ['TIME', '04:05', '04:05:06+01'],
]

const MULTISTATEMENTS = "ValidationException: Multistatements aren't supported."
const UNSUPPORTED = 'UnsupportedResultException: The result contains the unsupported data type'

/** Rejected statements with the SDK's error. Postgres's DETAIL is in none of them. */
const REJECTED: readonly (readonly [
  sql: string,
  error: string | RegExp,
  parameters?: SqlParameter[],
  more?: Partial<ExecuteStatementCommandInput>,
])[] = [
  [
    "INSERT INTO people (name) VALUES ('x'), ('X')",
    'DatabaseErrorException: ERROR: duplicate key value violates unique constraint "people_name_key"; SQLState: 23505',
  ],
  [
    'INSERT INTO people (name) VALUES (NULL)',
    'DatabaseErrorException: ERROR: null value in column "name" of relation "people" violates not-null constraint; SQLState: 23502',
  ],
  [
    'SELECT 1 FRM people',
    'DatabaseErrorException: ERROR: syntax error at or near "people"; Position: 14; SQLState: 42601',
  ],
  [
    'SELECT nam FROM people',
    'DatabaseErrorException: ERROR: column "nam" does not exist; Hint: Perhaps you meant to reference the column "people.name".; Position: 8; SQLState: 42703',
  ],
  [
    'SELECT $1::text',
    'DatabaseErrorException: ERROR: bind message supplies 0 parameters, but prepared statement "" requires 1; SQLState: 08P01',
  ],
  [
    'INSERT INTO people (id, name) VALUES (:a, 2)',
    'DatabaseErrorException: ERROR: integer out of range; SQLState: 22003',
    a({ longValue: 2 ** 31 }),
  ],
  ['SELECT :a', /^DatabaseErrorException: .*SQLState: 22021$/, a({ stringValue: 'a\0b' })],
  // A string is bound as text.
  [
    "SELECT ARRAY['a']::varchar[] @> ARRAY[:a]",
    /^DatabaseErrorException: .*SQLState: 42883$/,
    a({ stringValue: 'a' }),
  ],
  ['SELECT 1; DELETE FROM people', MULTISTATEMENTS],
  // A dollar after a letter belongs to the name, except for our reader of SQL, to which é is no letter.
  ['SELECT 1 AS é$$; SELECT 2 --$$', MULTISTATEMENTS],
  ['BEGIN', /^BadRequestException: /],
  ['', /^ValidationException: .*'sql'/],
  ['SELECT 1', /^ValidationException: The schema parameter isn't/, [], { schema: 'public' }],
  [
    'SELECT 1',
    'DatabaseErrorException: FATAL: database "postgres" does not exist; SQLState: 3D000',
    [],
    { database: 'postgres' },
  ],
  ['SELECT :a, :b', 'BadRequestException: Cannot find parameter: b', a({ longValue: 1 })],
  ['SELECT :a', /^ValidationException: /, a({ arrayValue: { longValues: [1] } })],
  ['SELECT :a', /^ValidationException: /, [{ name: 'a' }]],
  ['SELECT :a', /^ValidationException: /, [{ value: { longValue: 1 } }]],
  ["SELECT '1 day'::interval", `${UNSUPPORTED} INTERVAL.`],
  ["SELECT '04:05+00'::timetz", `${UNSUPPORTED} TIMETZ.`],
  ["SELECT ARRAY['a'::bytea]", `${UNSUPPORTED} BYTEA[].`],
  ['SELECT ARRAY[ARRAY[1]]', `${UNSUPPORTED}: an array of more than one dimension.`],
  ...OUT_OF_FORMAT.flatMap(([hint, ...values]) =>
    values.map(
      (stringValue) =>
        ['SELECT :a', /^BadRequestException: Parse Error for /, a({ stringValue }, hint)] as const,
    ),
  ),
]

for (const { on, skip, start } of ENGINES) {
  test(`statements, on ${on}`, { skip }, async (t) => {
    const { client, execute, target, url } = await start(t)
    await execute('CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL)')
    await execute('CREATE UNIQUE INDEX people_name_key ON people (lower(name))')
    const one = async (sql: string, parameters: SqlParameter[] = []) =>
      (await execute(sql, parameters)).records?.[0]?.[0]
    const names = async () => (await execute('SELECT name FROM people ORDER BY id')).records?.flat()

    for (const [sql, field] of Object.entries(FIELDS)) {
      await t.test(`${sql} is returned as ${Object.keys(field)}`, async () => {
        assert.deepEqual(await one(`SELECT ${sql}`), field)
      })
    }

    for (const [value, type, hint] of BOUND_AS) {
      await t.test(`${Object.keys(value)} ${hint ?? ''} is bound as ${type}`, async () => {
        const bound = await one('SELECT pg_typeof(:a)::text', a(value, hint))
        assert.deepEqual(bound, { stringValue: type })
      })
    }

    for (const [column, value, cast = column] of NEEDS_CAST) {
      await t.test(`${Object.keys(value)} needs a cast in a column of ${column}`, async () => {
        await execute(`CREATE TABLE strict (c ${column})`)
        const message =
          /^ERROR: column "c" is of type .*; Hint: .*; Position: \d+; SQLState: 42804$/
        await assert.rejects(execute('INSERT INTO strict VALUES (:a)', a(value)), { message })
        await execute(`INSERT INTO strict VALUES (:a::${cast})`, a(value))
        await execute('DROP TABLE strict')
      })
    }

    for (const [sql, error, parameters, more] of REJECTED) {
      await t.test(`rejected: ${sql} ${JSON.stringify([parameters, more])}`, async () => {
        await assert.rejects(execute(sql, parameters, more), (thrown) => {
          if (error instanceof RegExp) assert.match(String(thrown), error)
          else assert.equal(String(thrown), error)
          return true
        })
        assert.deepEqual(await names(), [])
      })
    }

    await t.test('null and a long go into columns of other types', async () => {
      await execute('CREATE TABLE others (t text, u uuid, b bytea, z timestamptz)')
      const insert = 'INSERT INTO others VALUES (:a, :n, :n, :n) RETURNING *'
      const nothing = { isNull: true } as const
      const { records } = await execute(insert, [
        ...a({ longValue: 7 }),
        { name: 'n', value: nothing },
      ])
      assert.deepEqual(records, [[{ stringValue: '7' }, nothing, nothing, nothing]])
    })

    await t.test('the wire has all 64 bits of a long, where the SDK rounds', async () => {
      const most = '9223372036854775807'
      const least = '-9223372036854775808'
      const authorization = `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY_ID}/`
      const post = async (sql: string, more = '') => {
        const [open] = JSON.stringify({ ...target, sql }).split(/\}$/)
        const body = `${open},"parameters":[{"name":"a","value":{"longValue":${most}}}]${more}}`
        const init = { method: 'POST', headers: { authorization }, body }
        return (await fetch(`${url}/Execute`, init)).text()
      }
      assert.ok((await post('SELECT :a')).includes(`[[{"longValue":${most}}]]`))
      assert.ok((await post('SELECT ARRAY[-:a - 1]')).includes(`{"longValues":[${least}]}`))
      const formatted = await post('SELECT :a AS a', ',"formatRecordsAs":"JSON"')
      assert.ok(formatted.includes(JSON.stringify(`[{"a":${most}}]`)))
    })

    await t.test('a value is never read as SQL, nor one that is not named', async () => {
      const hostile = { stringValue: `'; DROP TABLE users; -- :b $1 \\ " é 🔑` }
      const parameters = [...a(hostile), { name: 'b', value: { longValue: 2 } }]
      assert.deepEqual(await one('SELECT :a', parameters), hostile)
    })

    await t.test('a setting and a prepared statement end with the call', async () => {
      const before = await one('SHOW work_mem')
      await execute("SET work_mem TO '64kB'")
      assert.deepEqual(await one('SHOW work_mem'), before)
      assert.deepEqual(await one('SHOW timezone'), { stringValue: 'UTC' })
      await execute('PREPARE one AS SELECT 1')
      await assert.rejects(execute('EXECUTE one'), { message: /SQLState: 26000$/ })
    })

    await t.test('a batch runs once per set, and not at all if one lacks a parameter', async () => {
      const batch = (...parameterSets: SqlParameter[][]) => {
        const sql = 'INSERT INTO people (name) VALUES (:a)'
        return client.send(new BatchExecuteStatementCommand({ ...target, sql, parameterSets }))
      }
      const [ada, grace] = [{ stringValue: 'Ada' }, { stringValue: 'Grace' }]
      const { updateResults } = await batch(a(ada), a(grace))
      assert.deepEqual(updateResults, [{ generatedFields: [] }, { generatedFields: [] }])
      await assert.rejects(batch(a({ stringValue: 'Edsger' }), []), { name: 'BadRequestException' })
      assert.deepEqual(await names(), [ada, grace])
    })

    await t.test('DDL, an empty statement and a comment alone are statements too', async () => {
      for (const sql of ['CREATE TABLE more ()', ';', '-- nothing']) {
        const { numberOfRecordsUpdated, records } = await execute(sql)
        assert.deepEqual([numberOfRecordsUpdated, records], [0, undefined])
      }
    })

    await t.test(
      'a SELECT reports 0 written rows, and column metadata only on request',
      async () => {
        const { $metadata, ...response } = await execute('SELECT 1 WHERE false')
        assert.deepEqual(response, { generatedFields: [], numberOfRecordsUpdated: 0, records: [] })
      },
    )

    await t.test('a write reports its count of rows; only RETURNING returns them', async () => {
      await execute('CREATE TABLE written (id serial, name text)')
      const insert = "INSERT INTO written (name) VALUES ('a'), ('b')"
      const { $metadata, ...response } = await execute(insert, [], { includeResultMetadata: true })
      assert.deepEqual(response, { generatedFields: [], numberOfRecordsUpdated: 2 })
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

    await t.test('a row of 64 KiB is returned, and one of a byte more is not', async () => {
      const { records } = await execute(row, ofBytes(2 ** 16))
      assert.equal(records?.[0]?.[0]?.stringValue?.length, 2 ** 15 - 3)
      await assert.rejects(execute(row, ofBytes(2 ** 16 + 1)), tooLarge)
    })

    await t.test('a result of 1 MiB is returned, and one of a byte more is not', async () => {
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
