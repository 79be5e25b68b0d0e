import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toPositional } from './named-parameters.ts'

/** Statements that are unchanged, with nothing to bind. */
const LITERAL = [
  `SELECT ':a;'`,
  `SELECT 'it''s :a'`,
  String.raw`SELECT '\'`, // Not an escape: the string ends here.
  `SELECT 'one\n:a; -- two'`,
  String.raw`SELECT E'it\'s :a;', e'\\'`,
  `SELECT 1 AS ":a;""b"`,
  'SELECT $$:a; it\'s "quoted"$$',
  'SELECT $t$ $$ :a; $other$ $t$',
  'SELECT a$b$ FROM c$b$', // Identifiers with dollars in them.
  'SELECT 1 -- :a; SELECT 2',
  `SELECT /* :a; it's */ 1`,
  "SELECT '1'::int::text",
  'CALL p(a := 1)',
  'SELECT 1;',
  'SELECT 1; -- done;\n/* :a */ ;\n',
  '',
  // Not transaction control.
  'SAVEPOINT a',
  'ROLLBACK TO a',
  'rollback work to savepoint a',
  'RELEASE a',
  'PREPARE p AS SELECT 1',
  'SELECT 1 AS begin',
  'ENDED',
]

for (const sql of LITERAL) {
  test(`is unchanged: ${JSON.stringify(sql)}`, () => {
    assert.deepEqual(toPositional(sql), { text: sql, names: [] })
  })
}

const TRANSLATED: readonly (readonly [sql: string, text: string, names: string])[] = [
  ['SELECT :a', 'SELECT $1', 'a'],
  ['SELECT :a::uuid', 'SELECT $1::uuid', 'a'],
  ["SELECT '1'::int+:b", "SELECT '1'::int+$1", 'b'],
  ['SELECT :userName_2', 'SELECT $1', 'userName_2'],
  ['SELECT :1, :0', 'SELECT $1, $2', '1 0'],
  ['SELECT :a, :b, :a', 'SELECT $1, $2, $3', 'a b a'], // Bound twice, as on AWS.
  ['VALUES(:a,:b)', 'VALUES($1,$2)', 'a b'],
  ["SELECT ':x' || :a || ':y'", "SELECT ':x' || $1 || ':y'", 'a'],
  ['SELECT -- :x\n:a', 'SELECT -- :x\n$1', 'a'],
  ['SELECT :a;', 'SELECT $1;', 'a'],
  ['SELECT a[1:2]', 'SELECT a[1$1]', '2'], // As on AWS.
]

for (const [sql, text, names] of TRANSLATED) {
  test(`is translated: ${JSON.stringify(sql)}`, () => {
    assert.deepEqual(toPositional(sql), { text, names: names.split(' ') })
  })
}

/** Rejected statements by the error's name and message. */
const REJECTED: readonly (readonly [name: string, message: RegExp, ...sql: string[]])[] = [
  [
    'ValidationException',
    /^Multistatements aren't supported\.$/,
    ...['SELECT 1; SELECT 2', "SELECT ';'; SELECT 2", 'SELECT 1;--\nSELECT 2', ';SELECT 1'],
  ],
  [
    'BadRequestException',
    /BeginTransaction/,
    ...['BEGIN', 'begin;', '  Start  Transaction READ ONLY', 'COMMIT', 'END', 'ABORT', 'ROLLBACK'],
    ...['ROLLBACK WORK', "PREPARE TRANSACTION 'x'", '-- a comment\n/* and another */ BEGIN'],
  ],
  ['DatabaseErrorException', /Copy/, 'COPY t FROM STDIN', '/* out */ copy t TO STDOUT'],
]

for (const [name, message, ...statements] of REJECTED) {
  for (const sql of statements) {
    test(`is rejected with ${name}: ${JSON.stringify(sql)}`, () => {
      assert.throws(() => toPositional(sql), { name, message })
    })
  }
}
