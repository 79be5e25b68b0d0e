/**
 * Matches one token of SQL, as precisely as `;` and `:name` require: tokens that may contain either come first.
 * The named groups are `comment`, `semicolon` and `name`, of a `:name`. Nested block comments are not supported.
 */
export const SQL_TOKEN = new RegExp(
  [
    /\b[eE]'(?:[^'\\]|\\.|'')*'/, // string with escapes
    /'(?:[^']|'')*'/, // string
    /"(?:[^"]|"")*"/, // quoted identifier
    /[A-Za-z_][\w$]*/, // keyword or identifier, which may hold a $
    /\$(?<tag>[A-Za-z_]\w*)?\$.*?\$\k<tag>\$/, // dollar-quoted string
    /::/, // cast
    /(?<comment>--[^\n]*|\/\*.*?\*\/)/,
    /:(?<name>\w+)/,
    /(?<semicolon>;)/,
    /[^\s]/, // anything else that is not white space
  ]
    .map(({ source }) => source)
    .join('|'),
  'gs',
)

/**
 * Splits a migration file into statements, since the Data API takes one per call. Every unquoted `;` ends one,
 * so a function's body must be quoted (`$$ … $$`, not `BEGIN ATOMIC`). Comments are left out: AWS searches
 * the text for `:name`, and does not document what an apostrophe or a colon in a comment does.
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
