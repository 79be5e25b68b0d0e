import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitStatements } from './sql.ts'

const SPLIT: Record<string, [sql: string, statements: string[]]> = {
  'nothing at all': ['', []],
  'comments alone': ['-- one; two\n/* three; */ ;\n;', []],
  'one without a semicolon': ['SELECT 1', ['SELECT 1']],
  'two, and the space around them': ['\n SELECT 1 ;\nSELECT 2;\n', ['SELECT 1', 'SELECT 2']],
  'a semicolon in a string': ["SELECT 'a;''b;'; SELECT 2", ["SELECT 'a;''b;'", 'SELECT 2']],
  'a semicolon in a string with escapes': [
    String.raw`SELECT E'it\'s;'; SELECT 2`,
    [String.raw`SELECT E'it\'s;'`, 'SELECT 2'],
  ],
  'a semicolon in an identifier': [
    'SELECT 1 AS "a;b"; SELECT 2',
    ['SELECT 1 AS "a;b"', 'SELECT 2'],
  ],
  'a dollar-quoted body': [
    "DO $$ BEGIN -- it's;\nNULL; END $$; SELECT 2",
    ["DO $$ BEGIN -- it's;\nNULL; END $$", 'SELECT 2'],
  ],
  'a body with a tag, and another in it': [
    "DO $body$ BEGIN EXECUTE $$SELECT ';'$$; END $body$;",
    ["DO $body$ BEGIN EXECUTE $$SELECT ';'$$; END $body$"],
  ],
  'a comment with an apostrophe, a colon and a semicolon': [
    "SELECT 1 -- it's :a;\n, 2 /* that's; */;",
    ['SELECT 1  \n, 2'],
  ],
  'a cast and a colon in a string': ["SELECT ':a'::text;", ["SELECT ':a'::text"]],
}

for (const [name, [sql, statements]] of Object.entries(SPLIT)) {
  test(`statements are split at the semicolons that end them: ${name}`, () => {
    assert.deepEqual(splitStatements(sql), statements)
  })
}
