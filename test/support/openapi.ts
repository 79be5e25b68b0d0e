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
  assert.deepEqual(Object.keys(others), [], 'cookies and base64 are not documented')
  const checks = CHECKS.get(`${statusCode} ${routeKey}`) ?? createChecks(statusCode, routeKey)
  CHECKS.set(`${statusCode} ${routeKey}`, checks)
  assert.deepEqual(Object.keys(headers).toSorted(), checks.names)
  const valid = checks.validateHeaders({ ...headers })
  assert.ok(valid, headerValues.errorsText(checks.validateHeaders.errors))
  if (statusCode === 204) {
    assert.equal(body, '')
    return
  }
  const problem = checks.validateBody(JSON.parse(body))
  assert.equal(problem, '', `${statusCode}: body: ${problem}`)
}

/** Compiled once per status and route: ajv takes longer for that than a request does. */
const CHECKS = new Map<string, ReturnType<typeof createChecks>>()

/** The names of a response's headers, in order, and the validators of their values and of its body. */
function createChecks(statusCode: number | undefined, routeKey: string) {
  const keys = answer(statusCode, routeKey)
  const schemas = documentedNames([...keys, 'headers']).map((name) => [
    name,
    documented([...keys, 'headers', name, 'schema']),
  ])
  // OpenAPI has no header `content-type`: the keys of `content` stand for it. A 204 has neither.
  const hasBody = statusCode !== 204
  if (hasBody) schemas.push(['content-type', { enum: documentedNames([...keys, 'content']) }])
  const properties = Object.fromEntries(schemas)
  return {
    names: Object.keys(properties).toSorted(),
    validateHeaders: headerValues.compile({ type: 'object', properties }),
    validateBody: hasBody ? createValidator([...json(keys), 'schema']) : () => '',
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
