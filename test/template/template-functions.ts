import { isObject, type JsonObject } from './template.ts'
import { findResourceSpec } from './template-spec.ts'

/** What a function's value can be held against: a list or not. `undefined`: not to be told from outside. */
export type Shape = 'scalar' | 'list' | undefined

const SHAPES: Readonly<Record<string, Shape>> = {
  Ref: undefined,
  Condition: undefined,
  'Fn::And': undefined,
  'Fn::Base64': 'scalar',
  'Fn::Cidr': 'list',
  'Fn::Equals': undefined,
  'Fn::FindInMap': undefined,
  'Fn::GetAtt': undefined,
  'Fn::GetAZs': 'list',
  'Fn::If': undefined,
  'Fn::ImportValue': 'scalar',
  'Fn::Join': 'scalar',
  'Fn::Not': undefined,
  'Fn::Or': undefined,
  'Fn::Select': undefined,
  'Fn::Split': 'list',
  'Fn::Sub': 'scalar',
}

export const PSEUDO_PARAMETERS: ReadonlySet<string> = new Set(
  'AccountId NotificationARNs NoValue Partition Region StackId StackName URLSuffix'
    .split(' ')
    .map((name) => `AWS::${name}`),
)

/** `value` as one of CloudFormation's functions: an object of one key, which names it. */
export function asFunction(value: unknown): { name: string; argument: unknown } | undefined {
  if (!isObject(value)) return undefined
  const [entry, ...others] = Object.entries(value)
  if (!entry || others.length > 0) return undefined
  const [name, argument] = entry
  // In a policy there is a `Condition` that is no function: an object.
  const isCondition = name === 'Condition' && typeof argument === 'string'
  const isFunction = isCondition || name === 'Ref' || name.startsWith('Fn::')
  return isFunction ? { name, argument } : undefined
}

export function isKnownFunction(name: string): boolean {
  return Object.hasOwn(SHAPES, name)
}

/** `Fn::GetAtt`'s argument, in either of its forms, as a resource's name and an attribute's. */
export function readGetAtt(argument: unknown): readonly [string, string] | undefined {
  if (typeof argument === 'string') {
    const dot = argument.indexOf('.')
    return dot < 0 ? undefined : [argument.slice(0, dot), argument.slice(dot + 1)]
  }
  if (!Array.isArray(argument)) return undefined
  const [id, ...attribute] = argument
  const named = attribute.length > 0 && attribute.every((part) => typeof part === 'string')
  return typeof id === 'string' && named ? [id, attribute.join('.')] : undefined
}

/** The shape of what a function gives, where the template or AWS's specification tells. */
export function shapeOf(name: string, argument: unknown, template: JsonObject): Shape {
  if (name === 'Ref' && typeof argument === 'string') return shapeOfRef(argument, template)
  const attribute = name === 'Fn::GetAtt' ? readGetAtt(argument) : undefined
  if (!attribute) return SHAPES[name]
  const type = typeOf(attribute[0], template)
  const specification = findResourceSpec(type ?? '')?.attributes[attribute[1]]
  if (!specification || specification.type.type === 'json') return undefined
  return specification.type.type === 'array' ? 'list' : 'scalar'
}

function shapeOfRef(id: string, template: JsonObject): Shape {
  if (id === 'AWS::NoValue') return undefined
  if (id === 'AWS::NotificationARNs') return 'list'
  const parameter = isObject(template['Parameters']) ? template['Parameters'][id] : undefined
  const type = isObject(parameter) ? parameter['Type'] : 'String'
  return typeof type === 'string' && /List/.test(type) ? 'list' : 'scalar'
}

/** The type of the resource `id`, if there is one. */
export function typeOf(id: string, template: JsonObject): string | undefined {
  const resources = template['Resources']
  const resource = isObject(resources) ? resources[id] : undefined
  return isObject(resource) && typeof resource['Type'] === 'string' ? resource['Type'] : undefined
}
