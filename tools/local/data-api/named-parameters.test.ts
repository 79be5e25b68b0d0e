import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toPositional } from './named-parameters.ts'

/** What stays as it is: the sql, and nothing to bind. */
const LITERAL = {
  'a string': `SELECT ':a;'`,
  'a quote in a string': `SELECT 'it''s :a'`,
  'a string that ends in a backslash': String.raw`SELECT '\'`,
  'a string over two lines': `SELECT 'one\n:a; -- two'`,
  'a string with escapes': String.raw`SELECT E'it\'s :a;', e'\\'`,
  'a quoted identifier': `SELECT 1 AS ":a;""b"`,
  'a dollar-quoted string': 'SELECT $$:a; it\'s "quoted"$$',
  'a dollar-quoted string with a tag': 'SELECT $t$ $$ :a; $other$ $t$',
  'an identifier with dollars in it': 'SELECT a$b$ FROM c$b$',
  'a line comment': 'SELECT 1 -- :a; SELECT 2',
  'a block comment': `SELECT /* :a; it's */ 1`,
  'a cast': "SELECT '1'::int::text",
  'an assignment': 'CALL p(a := 1)',
  'a semicolon at the end': 'SELECT 1;',
  'a semicolon and comments at the end': 'SELECT 1; -- done;\n/* :a */ ;\n',
  'nothing at all': '',
}

for (const [name, sql] of Object.entries(LITERAL)) {
  test(`${name} is left alone`, () => {
    assert.deepEqual(toPositional(sql), { text: sql, names: [] })
  })
}

const TRANSLATED: Record<string, [sql: string, text: string, names: string[]]> = {
  'a name': ['SELECT :a', 'SELECT $1', ['a']],
  'a name with a cast': ['SELECT :a::uuid', 'SELECT $1::uuid', ['a']],
  'a name after a cast': ["SELECT '1'::int+:b", "SELECT '1'::int+$1", ['b']],
  'a name in capitals and with digits': ['SELECT :userName_2', 'SELECT $1', ['userName_2']],
  'a number for a name': ['SELECT :1, :0', 'SELECT $1, $2', ['1', '0']],
  'the same name twice, bound twice as on AWS': [
    'SELECT :a, :b, :a',
    'SELECT $1, $2, $3',
    ['a', 'b', 'a'],
  ],
  'names next to one another': ['VALUES(:a,:b)', 'VALUES($1,$2)', ['a', 'b']],
  'a name between strings': ["SELECT ':x' || :a || ':y'", "SELECT ':x' || $1 || ':y'", ['a']],
  'a name after a comment': ['SELECT -- :x\n:a', 'SELECT -- :x\n$1', ['a']],
  'a name before the last semicolon': ['SELECT :a;', 'SELECT $1;', ['a']],
  'the end of an array slice, as on AWS': ['SELECT a[1:2]', 'SELECT a[1$1]', ['2']],
}

for (const [name, [sql, text, names]] of Object.entries(TRANSLATED)) {
  test(`${name} is translated`, () => {
    assert.deepEqual(toPositional(sql), { text, names })
  })
}

const SECOND_STATEMENT = [
  'SELECT 1; SELECT 2',
  "SELECT ';'; SELECT 2",
  'SELECT 1;--\nSELECT 2',
  ';SELECT 1',
]

for (const sql of SECOND_STATEMENT) {
  test(`more than one statement is refused: ${JSON.stringify(sql)}`, () => {
    const refusal = { name: 'ValidationException', message: "Multistatements aren't supported." }
    assert.throws(() => toPositional(sql), refusal)
  })
}

const TRANSACTION_CONTROL = [
  'BEGIN',
  'begin;',
  '  Start  Transaction READ ONLY',
  'COMMIT',
  'END',
  'ABORT',
  'ROLLBACK',
  'ROLLBACK WORK',
  "PREPARE TRANSACTION 'x'",
  '-- a comment\n/* and another */ BEGIN',
]

for (const sql of TRANSACTION_CONTROL) {
  test(`transaction control is refused: ${JSON.stringify(sql)}`, () => {
    assert.throws(() => toPositional(sql), {
      name: 'BadRequestException',
      message: /BeginTransaction/,
    })
  })
}

test('COPY, which the Data API cannot carry, is refused', () => {
  for (const sql of ['COPY t FROM STDIN', '/* out */ copy t TO STDOUT']) {
    assert.throws(() => toPositional(sql), { name: 'DatabaseErrorException', message: /Copy/ })
  }
})

const NO_TRANSACTION_CONTROL = [
  'SAVEPOINT a',
  'ROLLBACK TO a',
  'rollback work to savepoint a',
  'RELEASE a',
  'PREPARE p AS SELECT 1',
  'SELECT 1 AS begin',
  'ENDED',
]

for (const sql of NO_TRANSACTION_CONTROL) {
  test(`what only resembles transaction control passes: ${sql}`, () => {
    assert.equal(toPositional(sql).text, sql)
  })
}
