import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitStatements } from './sql.ts'

const SPLIT: readonly (readonly [sql: string, ...statements: string[]])[] = [
  [''],
  ['-- one; two\n/* three; */ ;\n;'],
  ['SELECT 1', 'SELECT 1'],
  ['\n SELECT 1 ;\nSELECT 2;\n', 'SELECT 1', 'SELECT 2'],
  ["SELECT 'a;''b;'; SELECT 2", "SELECT 'a;''b;'", 'SELECT 2'],
  [String.raw`SELECT E'it\'s;'; SELECT 2`, String.raw`SELECT E'it\'s;'`, 'SELECT 2'],
  ['SELECT 1 AS "a;b"; SELECT 2', 'SELECT 1 AS "a;b"', 'SELECT 2'],
  ["DO $$ -- it's;\nNULL; END $$; SELECT 2", "DO $$ -- it's;\nNULL; END $$", 'SELECT 2'],
  ["DO $a$ EXECUTE $$SELECT ';'$$; END $a$;", "DO $a$ EXECUTE $$SELECT ';'$$; END $a$"],
  ["SELECT 1 -- it's :a;\n, 2 /* that's; */;", 'SELECT 1  \n, 2'],
  ["SELECT ':a'::text;", "SELECT ':a'::text"],
]

for (const [sql, ...statements] of SPLIT) {
  test(`${statements.length} statements, and no comment: ${JSON.stringify(sql)}`, () => {
    assert.deepEqual(splitStatements(sql), statements)
  })
}
