import type { BoundValue } from './engine.ts'
import { DataApiError } from './errors.ts'
import { PARAMETER_OID, TYPE_HINTS } from './types.ts'

/** Binds one set of the Data API's `SqlParameter`s, as JSON carries them, to `names` in order. */
export function bindParameters(names: readonly string[], parameters: unknown): BoundValue[] {
  const bound = new Map<string, BoundValue>()
  for (const parameter of list(parameters ?? [])) {
    if (!isObject(parameter) || typeof parameter['name'] !== 'string') {
      throw new DataApiError('ValidationException', 'A parameter needs a name and a value.')
    }
    bound.set(parameter['name'], bind(parameter['value'], parameter['typeHint']))
  }
  return names.map((name) => {
    const value = bound.get(name)
    if (value === undefined) {
      throw new DataApiError('BadRequestException', `Cannot find parameter: ${name}`)
    }
    return value
  })
}

/** True for an object in JSON's sense: neither null nor a list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `value` as a list, or the Data API's error for anything else. */
export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new DataApiError('SerializationException', 'Parameters come in a list.')
}

/** A Field as Postgres's text and type. */
function bind(field: unknown, typeHint: unknown): BoundValue {
  if (!isObject(field)) throw new DataApiError('ValidationException', 'A parameter has no value.')
  if (field['isNull'] === true) return { typeOid: 0, value: null }
  if (field['arrayValue'] !== undefined) {
    throw new DataApiError('ValidationException', 'Array parameters are not supported')
  }
  const { stringValue, longValue, doubleValue, booleanValue, blobValue } = field
  if (typeof stringValue === 'string') {
    return { typeOid: stringOid(stringValue, typeHint), value: stringValue }
  }
  if (typeof longValue === 'number' || typeof longValue === 'bigint') {
    return { typeOid: PARAMETER_OID.longValue, value: String(longValue) }
  }
  if (isDouble(doubleValue)) {
    return { typeOid: PARAMETER_OID.doubleValue, value: String(doubleValue) }
  }
  if (typeof booleanValue === 'boolean') {
    return { typeOid: PARAMETER_OID.booleanValue, value: String(booleanValue) }
  }
  if (typeof blobValue === 'string') {
    const hex = Buffer.from(blobValue, 'base64').toString('hex')
    return { typeOid: PARAMETER_OID.blobValue, value: `\\x${hex}` }
  }
  throw new DataApiError('ValidationException', 'A parameter has no value of a known kind.')
}

/** JSON has no numbers for these three; restJson1 writes them as strings. */
const NOT_FINITE: readonly unknown[] = ['NaN', 'Infinity', '-Infinity']

const isDouble = (value: unknown) => typeof value === 'number' || NOT_FINITE.includes(value)

function stringOid(value: string, typeHint: unknown): number {
  if (typeHint === undefined || typeHint === null) return PARAMETER_OID.stringValue
  const hint = typeof typeHint === 'string' ? TYPE_HINTS.get(typeHint) : undefined
  if (hint === undefined) throw new DataApiError('ValidationException', 'Unknown typeHint.')
  if (hint.format?.test(value) === false) {
    throw new DataApiError(
      'BadRequestException',
      `Parse Error for ${typeHint}: input contains invalid characters`,
    )
  }
  return hint.typeOid
}
