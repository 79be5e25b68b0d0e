import { SQL_TOKEN } from './sql-tokens.ts'

/**
 * Splits a migration file into its statements, since the Data API takes one a call. A `;` ends one
 * wherever it is not quoted, so a function's body must be (`$$ … $$`): `BEGIN ATOMIC` does not work.
 * Comments between tokens are left out: AWS looks for `:name` in the text, and does not document what
 * it makes of an apostrophe or a colon in a comment.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = []
  let text = ''
  let end = 0
  for (const { 0: token, index, groups } of sql.matchAll(SQL_TOKEN)) {
    const { comment, semicolon } = groups ?? {}
    text += sql.slice(end, index)
    end = index + token.length
    if (semicolon === undefined) {
      text += comment === undefined ? token : ' '
    } else {
      statements.push(text)
      text = ''
    }
  }
  return [...statements, text].map((statement) => statement.trim()).filter(Boolean)
}
