import { isObject, type JsonObject } from './template.ts'
import {
  asFunction,
  isKnownFunction,
  PSEUDO_PARAMETERS,
  readGetAtt,
  typeOf,
} from './template-functions.ts'
import { findResourceSpec } from './template-spec.ts'

/** A `name` is a resource's, a parameter's, or one of CloudFormation's own. */
type Kind = 'name' | 'resource' | 'condition' | 'mapping'

/** What a function in a template refers to by name, or why that cannot be told. */
export type Reference = { readonly path: string } & (
  | { readonly kind: Kind; readonly id: string }
  | { readonly kind: 'attribute'; readonly id: string; readonly attribute: string }
  | { readonly kind: 'fault'; readonly fault: string }
)

/** Everything that `value` refers to, however deep. */
export function findReferences(value: unknown, path: string): Reference[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => findReferences(item, `${path}.${index}`))
  }
  if (!isObject(value)) return []
  const called = asFunction(value)
  const own = called ? referencesOf(called.name, called.argument, path) : []
  const inner = Object.entries(value).flatMap(([key, item]) =>
    findReferences(item, `${path}.${key}`),
  )
  return [...own, ...inner]
}

function referencesOf(name: string, argument: unknown, path: string): Reference[] {
  if (!isKnownFunction(name))
    return [{ kind: 'fault', path, fault: `there is no function ${name}` }]
  const first: unknown = Array.isArray(argument) ? argument[0] : argument
  switch (name) {
    case 'Ref':
      return [named('name', argument, path)]
    case 'Condition':
      return [named('condition', argument, path)]
    case 'Fn::If':
      return [named('condition', first, path)]
    case 'Fn::FindInMap':
      return [named('mapping', first, path)]
    case 'Fn::GetAtt':
      return [attributeOf(argument, path)]
    case 'Fn::Sub':
      return inText(first, Array.isArray(argument) ? argument[1] : {}, path)
    default:
      return []
  }
}

/** `id` as a reference, if it is a text. */
export function named(kind: Kind, id: unknown, path: string): Reference {
  if (typeof id === 'string') return { kind, path, id }
  return { kind: 'fault', path, fault: `the name of a ${kind} should be a text` }
}

function attributeOf(argument: unknown, path: string): Reference {
  const target = readGetAtt(argument)
  if (target) return { kind: 'attribute', path, id: target[0], attribute: target[1] }
  return { kind: 'fault', path, fault: 'Fn::GetAtt wants a resource and an attribute' }
}

/** The names in `${}`, but those that the function gets a value for in `own`. */
function inText(text: unknown, own: unknown, path: string): Reference[] {
  if (typeof text !== 'string') return [{ kind: 'fault', path, fault: 'Fn::Sub wants a text' }]
  // ${!name} stays as it is, without its exclamation mark.
  const names = [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = '']) => name.trim())
  if (names.length === 0) return [{ kind: 'fault', path, fault: 'Fn::Sub has nothing to put in' }]
  return names
    .filter((name) => !(isObject(own) && Object.hasOwn(own, name)))
    .map((name) =>
      name.includes('.') ? attributeOf(name, path) : { kind: 'name', path, id: name },
    )
}

/** Why a reference leads nowhere, if it does. */
export function checkReference(reference: Reference, template: JsonObject): string[] {
  const { path, kind } = reference
  if (kind === 'fault') return [`${path}: ${reference.fault}`]
  const { id } = reference
  const isIn = (section: string) => {
    const named = template[section]
    return isObject(named) && Object.hasOwn(named, id)
  }
  const isThere = {
    attribute: () => isIn('Resources'),
    condition: () => isIn('Conditions'),
    mapping: () => isIn('Mappings'),
    name: () => isIn('Resources') || isIn('Parameters') || PSEUDO_PARAMETERS.has(id),
    resource: () => isIn('Resources'),
  }
  if (!isThere[kind]()) return [`${path} leads nowhere: ${id}`]
  if (kind !== 'attribute') return []
  const type = typeOf(id, template) ?? ''
  const attributes = findResourceSpec(type)?.attributes
  if (!attributes || Object.hasOwn(attributes, reference.attribute)) return []
  return [`${path}: ${type} has no attribute ${reference.attribute}`]
}

/** The circles in what depends on what, each once: CloudFormation could begin nowhere. */
export function findCircles(uses: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (id: string, trail: readonly string[]): void => {
    const start = trail.indexOf(id)
    if (start >= 0) circles.push([...trail.slice(start), id].join(' > '))
    if (start >= 0 || done.has(id)) return
    for (const next of uses.get(id) ?? []) visit(next, [...trail, id])
    done.add(id)
  }
  for (const id of uses.keys()) visit(id, [])
  return circles
}
