import { isObject, type JsonObject } from './template.ts'
import {
  checkReference,
  findCircles,
  findReferences,
  named,
  type Reference,
} from './template-references.ts'
import { findResourceSpec } from './template-spec.ts'
import { checkProperties } from './template-values.ts'

const SECTIONS =
  'AWSTemplateFormatVersion Conditions Description Mappings Metadata Outputs Parameters Resources Rules Transform'
const RESOURCE_KEYS =
  'Condition CreationPolicy DeletionPolicy DependsOn Metadata Properties Type UpdatePolicy UpdateReplacePolicy'
const OUTPUT_KEYS = 'Condition Description Export Value'

/** The types of which CloudFormation can take a last snapshot. */
const WITH_SNAPSHOT =
  /^AWS::(EC2::Volume|ElastiCache::.+|(DocDB|Neptune|RDS|Redshift)::.*(Cluster|DBInstance))$/

/**
 * Holds a CloudFormation template against itself and against AWS's resource specification: every
 * reference leads somewhere, every type, property and attribute exists, what is required is there, and
 * values are of their type. Returns the faults. What only AWS knows is not seen: values that depend on
 * each other, names already taken, quotas.
 */
export function checkTemplate(template: unknown): string[] {
  if (!isObject(template)) return ['The template is no object']
  // A condition is decided before there is any resource that it could refer to.
  const withoutResources = { ...template, Resources: {} }
  return [
    ...checkKeys(template, SECTIONS, 'Template'),
    ...checkSection(template, 'Resources', (resource, path) => [
      ...checkResource(resource, path, template),
      ...referencesOf(resource, path).flatMap((each) => checkReference(each, template)),
    ]),
    ...checkSection(template, 'Outputs', (output, path) => [
      ...checkKeys(output, OUTPUT_KEYS, path),
      ...(Object.hasOwn(output, 'Value') ? [] : [`${path}.Value is required and missing`]),
      ...referencesOf(output, path).flatMap((each) => checkReference(each, template)),
    ]),
    ...checkSection(template, 'Conditions', (condition, path) =>
      findReferences(condition, path).flatMap((each) => checkReference(each, withoutResources)),
    ),
    ...findCircles(usesOf(template)).map((circle) => `Resources wait for each other: ${circle}`),
  ]
}

function checkResource(resource: JsonObject, path: string, template: JsonObject): string[] {
  const { Type: type, Properties: properties = {} } = resource
  const spec = typeof type === 'string' ? findResourceSpec(type) : undefined
  if (!spec) return [`${path}.Type is no type that AWS knows: ${String(type)}`]
  if (!isObject(properties)) return [`${path}.Properties should be an object`]
  const withSnapshot = WITH_SNAPSHOT.test(spec.cloudFormationType) ? ['Snapshot'] : []
  const policies = {
    DeletionPolicy: ['Delete', 'Retain', 'RetainExceptOnCreate', ...withSnapshot],
    UpdateReplacePolicy: ['Delete', 'Retain', ...withSnapshot],
  }
  return [
    ...checkKeys(resource, RESOURCE_KEYS, path),
    ...checkProperties(properties, spec.properties, `${path}.Properties`, template),
    ...Object.entries(policies)
      .filter(([name, allowed]) => !allowed.some((policy) => policy === (resource[name] ?? policy)))
      .map(([name, allowed]) => `${path}.${name} should be one of ${allowed.join(', ')}`),
  ]
}

/** What a resource or an output refers to. Its `Metadata` are for others than CloudFormation. */
function referencesOf(owner: JsonObject, path: string): Reference[] {
  const { Condition: condition, DependsOn: dependsOn = [], Metadata: _, ...rest } = owner
  return [
    ...(condition === undefined ? [] : [named('condition', condition, `${path}.Condition`)]),
    ...[dependsOn].flat().map((id) => named('resource', id, `${path}.DependsOn`)),
    ...findReferences({ ...rest }, path),
  ]
}

/** Which resource needs which others before it. */
function usesOf(template: JsonObject): Map<string, Set<string>> {
  const { Resources: resources } = template
  const uses = Object.entries(isObject(resources) ? resources : {}).map(
    ([id, resource]): [string, Set<string>] => {
      const references = isObject(resource) ? referencesOf(resource, id) : []
      return [id, new Set(references.flatMap((use) => (use.kind === 'fault' ? [] : [use.id])))]
    },
  )
  return new Map(uses)
}

function checkKeys(value: JsonObject, known: string, path: string): string[] {
  return Object.keys(value)
    .filter((key) => !known.split(' ').includes(key))
    .map((key) => `${path}.${key} is nothing that CloudFormation knows`)
}

/** What `check` finds in the named objects of a section. */
function checkSection(
  template: JsonObject,
  section: string,
  check: (value: JsonObject, path: string) => string[],
): string[] {
  const named = template[section] ?? {}
  if (!isObject(named)) return [`${section} should be an object`]
  return Object.entries(named).flatMap(([id, value]) => {
    const path = `${section}.${id}`
    return isObject(value) ? check(value, path) : [`${path} should be an object`]
  })
}
