const { readFileSync } = require('node:fs')
const { dirname } = require('node:path')
const { parse } = require('yaml')

const SWAGGER_UI = dirname(require.resolve('swagger-ui-dist/package.json'))
const ROOT = `${__dirname}/../../..`

/** The page may neither load from nor send to another host. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"

/** The files under /docs/, and their content types. */
const FILES = {
  'swagger-ui.css': ['text/css', () => read(`${SWAGGER_UI}/swagger-ui.css`)],
  'swagger-ui-bundle.js': ['text/javascript', () => read(`${SWAGGER_UI}/swagger-ui-bundle.js`)],
  'page.css': ['text/css', () => read(`${__dirname}/page.css`)],
  'page.js': ['text/javascript', () => read(`${__dirname}/page.js`)],
  'openapi.json': ['application/json', readOpenApi],
}

const read = (path) => readFileSync(path, 'utf8')

/** openapi.yaml, with this endpoint as its server at any port. */
function readOpenApi() {
  return JSON.stringify({ ...parse(read(`${ROOT}/openapi.yaml`)), servers: [{ url: '/' }] })
}

/** The handler of `GET /` and `GET /docs/{file}`, which the plugin adds at the stage `local`. */
exports.handler = async ({ pathParameters }) => {
  const name = pathParameters?.file
  if (name === undefined) return respond('text/html', read(`${__dirname}/page.html`))
  if (!Object.hasOwn(FILES, name)) return { statusCode: 404 }
  const [type, content] = FILES[name]
  return respond(type, content())
}

const respond = (type, body) => ({
  statusCode: 200,
  headers: {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': POLICY,
    'cache-control': 'no-cache',
  },
  body,
})
