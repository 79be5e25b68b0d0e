import { isObject, type JsonObject } from './template.ts'
import { asFunction, shapeOf } from './template-functions.ts'
import { findTypeProperties, type PropertySpecs, type PropertyType } from './template-spec.ts'

/** Holds properties against their specification: all of them known, the required ones there, each of its type. */
export function checkProperties(
  properties: JsonObject,
  specs: PropertySpecs,
  path: string,
  template: JsonObject,
): string[] {
  const missing = Object.entries(specs)
    .filter(([name, { required }]) => required && properties[name] === undefined)
    .map(([name]) => `${path}.${name} is required and missing`)
  const wrong = Object.entries(properties).flatMap(([name, value]) => {
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
    if (!spec) return [`${path}.${name} is no property that AWS knows`]
    // AWS goes on taking what an earlier specification said.
    const types = [spec.type, ...(spec.previousTypes ?? [])]
    return checkOneOf(value, types, `${path}.${name}`, template)
  })
  return [...missing, ...wrong]
}

/** No fault if one of the types fits, else the faults that the first of them finds. */
function checkOneOf(
  value: unknown,
  types: readonly PropertyType[],
  path: string,
  template: JsonObject,
): string[] {
  const faults = types.map((type) => checkValue(value, type, path, template))
  return faults.some(({ length }) => length === 0) ? [] : (faults[0] ?? [])
}

function checkValue(
  value: unknown,
  type: PropertyType,
  path: string,
  template: JsonObject,
): string[] {
  const called = asFunction(value)
  if (called) return checkFunction(called, type, path, template)
  switch (type.type) {
    case 'union':
      return checkOneOf(value, type.types, path, template)
    case 'array':
      if (!Array.isArray(value)) return [`${path} should be a list`]
      return value.flatMap((item: unknown, index) =>
        checkValue(item, type.element, `${path}.${index}`, template),
      )
    case 'map':
      if (!isObject(value)) return [`${path} should be an object`]
      return Object.entries(value).flatMap(([key, item]) =>
        checkValue(item, type.element, `${path}.${key}`, template),
      )
    case 'ref':
      if (!isObject(value)) return [`${path} should be an object`]
      return checkProperties(value, findTypeProperties(type), path, template)
    case 'tag':
      return isTag(value) ? [] : [`${path} should be a tag: {Key, Value}`]
    default:
      return checkPrimitive(value, type, path)
  }
}

/** A function's value is not known before AWS deploys it, but often whether it is a list. */
function checkFunction(
  { name, argument }: { readonly name: string; readonly argument: unknown },
  type: PropertyType,
  path: string,
  template: JsonObject,
): string[] {
  if (name === 'Fn::If' && Array.isArray(argument)) {
    return argument
      .slice(1)
      .flatMap((branch: unknown) => checkValue(branch, type, `${path}.${name}`, template))
  }
  const shape = shapeOf(name, argument, template)
  if (shape === undefined || type.type === 'json' || type.type === 'union') return []
  const wanted = type.type === 'array' ? 'list' : 'scalar'
  const isStructure = type.type === 'ref' || type.type === 'map' || type.type === 'tag'
  if (isStructure) return [`${path} should be an object, and ${name} gives none`]
  return shape === wanted ? [] : [`${path} should be a ${wanted}, and ${name} gives a ${shape}`]
}

type PrimitiveType = Exclude<PropertyType, { type: 'union' | 'array' | 'map' | 'ref' | 'tag' }>

/** Stricter than CloudFormation, which would take `'1'` for a number and 1 for a string. */
function checkPrimitive(value: unknown, type: PrimitiveType, path: string): string[] {
  const fits = {
    boolean: () => typeof value === 'boolean',
    'date-time': () => typeof value === 'string',
    integer: () => Number.isInteger(value),
    json: () => isObject(value) || Array.isArray(value) || typeof value === 'string',
    null: () => value === null,
    number: () => typeof value === 'number',
    string: () => typeof value === 'string',
  }
  if (!fits[type.type]()) return [`${path} should be of type ${type.type}`]
  const allowed: readonly unknown[] = 'allowedValues' in type ? (type.allowedValues ?? []) : []
  if (allowed.length === 0 || allowed.includes(value)) return []
  return [`${path} should be one of ${allowed.join(', ')}`]
}

function isTag(value: unknown): boolean {
  const isText = (text: unknown) => typeof text === 'string' || asFunction(text) !== undefined
  if (!isObject(value) || Object.keys(value).length !== 2) return false
  return isText(value['Key']) && isText(value['Value'])
}
