import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { parse } from 'yaml'

const FILE = 'openapi.yaml'

const description: unknown = parse(readFileSync(new URL(`../../${FILE}`, import.meta.url), 'utf8'))
assert.ok(isObject(description), `${FILE} is no object`)

// The file is no schema itself, only the schemas in it are: its own keys mean nothing to ajv.
const bodies = formats.default(new Ajv2020({ allErrors: true }))
bodies.addVocabulary(Object.keys(description)).addSchema(description, FILE)
// A header's value is a string whatever its schema says, so it is read as what the schema wants.
const headerValues = formats.default(new Ajv2020({ allErrors: true, coerceTypes: true }))

/** The way from the root of openapi.yaml to a value in it. */
export type Keys = readonly string[]

export const SIGN_UP = 'POST /auth/sign-up'

/** The keys of the route that API Gateway calls by that key, such as `GET /auth/me`. */
export function operation(routeKey: string): Keys {
  const [method = '', path = ''] = routeKey.split(' ')
  return ['paths', path, method.toLowerCase()]
}

/** The keys of what a status of a route is documented with. */
export const answer = (status = 0, routeKey = SIGN_UP): Keys => [
  ...operation(routeKey),
  'responses',
  `${status}`,
]

/** The keys of the one media type that a request or a response is documented with. */
export const json = (keys: Keys): Keys => [...keys, 'content', 'application/json']

/** The keys without any `$ref` on the way, and the value under them. Fails where there is nothing. */
function resolve(keys: Keys): { readonly keys: Keys; readonly value: unknown } {
  let found: { keys: Keys; value: unknown } = { keys: [], value: description }
  for (const key of keys) {
    const { value: node } = found
    assert.ok(isObject(node) && Object.hasOwn(node, key), `${FILE} has no ${keys.join(' > ')}`)
    const value = node[key]
    const ref = isObject(value) ? value['$ref'] : undefined
    found =
      typeof ref === 'string'
        ? resolve(ref.split('/').slice(1))
        : { keys: [...found.keys, key], value }
  }
  return found
}

/** What openapi.yaml has under the keys, through any `$ref` on the way. Fails where it has nothing. */
export const documented = (keys: Keys): unknown => resolve(keys).value

/** The names of what openapi.yaml has under the keys, such as its statuses or a response's examples. */
export function documentedNames(keys: Keys): string[] {
  const value = documented(keys)
  assert.ok(isObject(value), `${keys.join(' > ')} is no object`)
  return Object.keys(value)
}

/** The codes of a status of a route. */
export function documentedCodes(routeKey: string, status: string): string[] {
  const codes = documented([
    ...json(answer(Number(status), routeKey)),
    'schema',
    'properties',
    'code',
    'enum',
  ])
  assert.ok(Array.isArray(codes))
  return codes.map(String)
}

/** The documented status of a route's success. */
export const successStatus = (routeKey: string) =>
  documentedNames([...operation(routeKey), 'responses']).find((status) => /^2/.test(status)) ?? ''

/** The documented codes of a route's client errors, but `token_expired` and `too_many_attempts`, which take time. */
export function clientErrorCodes(routeKey: string): string[] {
  return documentedNames([...operation(routeKey), 'responses'])
    .filter((status) => /^4/.test(status) && status !== '429')
    .flatMap((status) => documentedCodes(routeKey, status))
    .filter((code) => code !== 'token_expired')
}

/**
 * Makes a function that returns what is wrong with a value by the schema under the keys, or ''. A key that the schema does not name is wrong too, unless it allows any.
 */
export function createValidator(keys: Keys): (value: unknown) => string {
  const pointer = resolve(keys)
    .keys.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1'))
    .join('/')
  const validate = bodies.compile({
    type: 'object',
    $ref: `${FILE}#/${pointer}`,
    unevaluatedProperties: false,
  })
  return (value) => (validate(value) ? '' : bodies.errorsText(validate.errors))
}

/** Fails unless openapi.yaml has the route's proxy response: its status, exactly its headers, and its body. */
export function assertDocumented(
  response: APIGatewayProxyStructuredResultV2,
  routeKey = SIGN_UP,
): void {
  const { statusCode, headers = {}, body = '', ...others } = response
  const keys = answer(statusCode, routeKey)
  assert.deepEqual(Object.keys(others), [], 'cookies and base64 are not documented')
  const names = documentedNames([...keys, 'headers'])
  const schemas = names.map((name) => [name, documented([...keys, 'headers', name, 'schema'])])
  // OpenAPI has no header `content-type`: the keys of `content` stand for it. A 204 has neither.
  if (statusCode !== 204) {
    schemas.push(['content-type', { enum: documentedNames([...keys, 'content']) }])
  }
  const properties = Object.fromEntries(schemas)
  assert.deepEqual(Object.keys(headers).toSorted(), Object.keys(properties).toSorted())
  const valid = headerValues.validate({ type: 'object', properties }, { ...headers })
  assert.ok(valid, headerValues.errorsText(headerValues.errors))
  if (statusCode === 204) {
    assert.equal(body, '')
    return
  }
  const problem = createValidator([...json(keys), 'schema'])(JSON.parse(body))
  assert.equal(problem, '', `${statusCode}: body: ${problem}`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
