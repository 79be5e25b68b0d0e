import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { parse } from 'yaml'

const FILE = 'openapi.yaml'

const description: unknown = parse(readFileSync(new URL(`../${FILE}`, import.meta.url), 'utf8'))
assert.ok(isObject(description), `${FILE} is not an object`)

// The file holds schemas but is not one, so its own keys mean nothing to ajv.
const bodies = formats.default(new Ajv2020({ allErrors: true }))
bodies.addVocabulary(Object.keys(description)).addSchema(description, FILE)
// A header's value is always a string, so it is converted to its schema's type.
const headerValues = formats.default(new Ajv2020({ allErrors: true, coerceTypes: true }))

/** Path from the root of openapi.yaml to a value in it. */
export type Keys = readonly string[]

/** Keys of the route with that key of API Gateway's, such as `GET /auth/me`. */
export function operation(routeKey: string): Keys {
  const [method = '', path = ''] = routeKey.split(' ')
  return ['paths', path, method.toLowerCase()]
}

/** Keys of a route's response with that status. */
export const responseKeys = (routeKey: string, status: number | string): Keys => [
  ...operation(routeKey),
  'responses',
  `${status}`,
]

/** Keys of the only documented media type of a request or a response. */
export const json = (keys: Keys): Keys => [...keys, 'content', 'application/json']

/** Returns the keys without any `$ref` on the way, and their value. Fails if there is no value. */
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

/** Returns the value under the keys, through any `$ref` on the way. Fails if there is no value. */
export const documented = (keys: Keys): unknown => resolve(keys).value

/** Returns the names of the members under the keys, such as statuses or a response's examples. */
export function documentedNames(keys: Keys): string[] {
  const value = documented(keys)
  assert.ok(isObject(value), `${keys.join(' > ')} is not an object`)
  return Object.keys(value)
}

/**
 * Makes a function that returns the difference between a value and the schema under the keys, or ''. A key that
 * the schema does not name is a difference, unless it allows any. No text holds a part of the value.
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
  return (value) => (validate(value) ? '' : bodies.errorsText(validate.errors, { dataVar: 'body' }))
}

/** Returns the schema of each header of a route's response. A 204 has no `content-type`. */
export function documentedHeaders(status: number, routeKey: string): Record<string, unknown> {
  const keys = responseKeys(routeKey, status)
  const headers = documentedNames([...keys, 'headers']).map((name) => [
    name,
    documented([...keys, 'headers', name, 'schema']),
  ])
  // OpenAPI has no header `content-type`: the keys of `content` stand for it.
  const types =
    status === 204 ? [] : [['content-type', { enum: documentedNames([...keys, 'content']) }]]
  return Object.fromEntries([...headers, ...types])
}

/** An HTTP response, with its headers' names in lower case. */
export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Validators of a response's headers and body by status and route: compiling them is slow. */
const compiled = new Map<string, ReturnType<typeof compileResponse>>()

function compileResponse(status: number, routeKey: string) {
  const properties = documentedHeaders(status, routeKey)
  return {
    areHeadersValid: headerValues.compile({
      type: 'object',
      properties,
      required: Object.keys(properties),
    }),
    findProblem:
      status === 204
        ? undefined
        : createValidator([...json(responseKeys(routeKey, status)), 'schema']),
  }
}

/**
 * Returns the difference between a route's response and openapi.yaml, or ''. Further headers are no difference.
 * No text holds a part of the response. Fails if the status is not documented.
 */
export function findDifference({ status, headers, body }: HttpResponse, routeKey: string): string {
  const key = `${status} ${routeKey}`
  const validators = compiled.get(key) ?? compileResponse(status, routeKey)
  compiled.set(key, validators)
  const { areHeadersValid, findProblem } = validators
  if (!areHeadersValid({ ...headers })) {
    return headerValues.errorsText(areHeadersValid.errors, { dataVar: 'headers' })
  }
  if (!findProblem) return body === '' ? '' : 'body must be empty'
  try {
    return findProblem(JSON.parse(body))
  } catch {
    return 'body must be JSON'
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
