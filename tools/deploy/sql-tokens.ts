/**
 * What SQL is made of, as far as `;` and `:` need it: the kinds in which they mean nothing come first.
 * Three kinds have a name: `comment`, `semicolon`, and `name`, which is that of a `:name`. White space
 * is between the tokens. Block comments are not read as nested.
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
