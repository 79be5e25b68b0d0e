import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'
import type { JsonObject } from './template.ts'

/** AWS's specification of CloudFormation's resources, as the CDK project publishes it. */
const database = loadAwsServiceSpecSync()
const findSpec = (type: unknown) =>
  database.lookup('resource', 'cloudFormationType', 'equals', String(type))[0]

type Properties = NonNullable<ReturnType<typeof findSpec>>['properties']
type PropertyType = Properties[string]['type']

const KEYS = {
  Template:
    'AWSTemplateFormatVersion Conditions Description Mappings Metadata Outputs Parameters Resources Rules Transform',
  Resource:
    'Condition CreationPolicy DeletionPolicy DependsOn Metadata Properties Type UpdatePolicy UpdateReplacePolicy',
  Output: 'Condition Description Export Value',
} as const
const PSEUDO_PARAMETERS =
  /^AWS::(AccountId|NotificationARNs|NoValue|Partition|Region|StackId|StackName|URLSuffix)$/
const FUNCTIONS =
  /^(Ref|Condition|Fn::(And|Base64|Cidr|Equals|FindInMap|GetAtt|GetAZs|If|ImportValue|Join|Not|Or|Select|Split|Sub))$/
/** CloudFormation can take a last snapshot of these types. */
const WITH_SNAPSHOT =
  /^AWS::(EC2::Volume|ElastiCache::.+|(DocDB|Neptune|RDS|Redshift)::.*(Cluster|DBInstance))$/

/**
 * Checks a CloudFormation template against itself and AWS's specification: every reference has a target,
 * every type, property and attribute exists, required properties are there, and values are of their type.
 * Returns the faults. It does not see what only AWS knows: quotas, taken names, values that depend on others.
 */
export function checkTemplate(template: JsonObject): string[] {
  const faults: string[] = []
  const section = (name: string) => Object.entries(Object(template[name]))
  const has = (name: string, id: string) => Object.hasOwn(Object(template[name]), id)
  const fault = (path: string, problem: string) => faults.push(`${path} ${problem}`)
  const expectKeys = (value: object, kind: keyof typeof KEYS, path: string) => {
    for (const key of Object.keys(value)) {
      if (!KEYS[kind].split(' ').includes(key)) fault(`${path}.${key}`, 'is unknown')
    }
  }

  const expectTarget = (found: boolean, id: unknown, path: string) => {
    if (!found) fault(path, `refers to nothing: ${id}`)
  }
  const expectName = (id: string, path: string) =>
    expectTarget(
      has('Resources', id) || has('Parameters', id) || PSEUDO_PARAMETERS.test(id),
      id,
      path,
    )
  const expectAttribute = (target: string, path: string) => {
    const [id = '', ...rest] = target.split('.')
    const attribute = rest.join('.')
    expectTarget(has('Resources', id), id, path)
    const type = Object(Object(template['Resources'])[id]).Type
    const attributes = findSpec(type)?.attributes
    if (attributes && !Object.hasOwn(attributes, attribute)) {
      fault(path, `is no attribute of ${type}: ${attribute}`)
    }
  }

  function checkReferences(value: unknown, path: string): void {
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      const at = `${path}.${key}`
      checkReferences(inner, at)
      const first: unknown = Array.isArray(inner) ? inner[0] : inner
      if (key === 'Ref') expectName(String(inner), at)
      else if (key === 'Fn::GetAtt') expectAttribute([inner].flat().join('.'), at)
      else if (key === 'Fn::If') expectTarget(has('Conditions', String(first)), first, at)
      else if (key === 'Fn::FindInMap') expectTarget(has('Mappings', String(first)), first, at)
      else if (key === 'Fn::Sub') {
        const own = Array.isArray(inner) ? Object(inner[1]) : {}
        const names = [...String(first).matchAll(/\$\{([^!}][^}]*)\}/g)].map(
          ([, name = '']) => name,
        )
        if (names.length === 0) fault(at, 'has nothing to substitute')
        for (const name of names.filter((name) => !Object.hasOwn(own, name))) {
          if (name.includes('.')) expectAttribute(name, at)
          else expectName(name, at)
        }
      } else if (key.startsWith('Fn::') && !FUNCTIONS.test(key)) fault(at, 'is no function')
    }
  }

  function checkProperties(value: unknown, specs: Properties, path: string): void {
    if (!isObject(value)) {
      fault(path, 'should be an object')
      return
    }
    for (const [name, { required }] of Object.entries(specs)) {
      if (required && value[name] === undefined) fault(`${path}.${name}`, 'is required and missing')
    }
    for (const [name, inner] of Object.entries(value)) {
      const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
      if (!spec) fault(`${path}.${name}`, 'is no property')
      // AWS still accepts what an earlier specification said.
      else checkOneOf(inner, [spec.type, ...(spec.previousTypes ?? [])], `${path}.${name}`)
    }
  }

  /** Keeps the faults of the first type, unless another type fits. */
  function checkOneOf(value: unknown, types: readonly PropertyType[], path: string): void {
    const before = faults.length
    let first: string[] = []
    for (const [index, type] of types.entries()) {
      checkValue(value, type, path)
      const found = faults.splice(before)
      if (found.length === 0) return
      if (index === 0) first = found
    }
    faults.push(...first)
  }

  function checkValue(value: unknown, type: PropertyType, path: string): void {
    if (isObject(value)) {
      // The value of a function is unknown until AWS deploys it.
      const [key = '', ...others] = Object.keys(value)
      if (others.length === 0 && FUNCTIONS.test(key)) return
    }
    if (type.type === 'union') checkOneOf(value, type.types, path)
    else if (type.type === 'ref') {
      checkProperties(value, database.get('typeDefinition', type.reference).properties, path)
    } else if (type.type === 'array' || type.type === 'map') {
      const fits = type.type === 'array' ? Array.isArray(value) : isObject(value)
      if (!fits) fault(path, `should be a ${type.type}`)
      else
        for (const [key, inner] of Object.entries(Object(value))) {
          checkValue(inner, type.element, `${path}.${key}`)
        }
    } else checkPrimitive(value, type, path)
  }

  function checkPrimitive(value: unknown, type: PropertyType, path: string): void {
    const fits: Readonly<Record<string, () => boolean>> = {
      boolean: () => typeof value === 'boolean',
      integer: () => Number.isInteger(value),
      json: () => typeof value === 'object' || typeof value === 'string',
      number: () => typeof value === 'number',
      tag: () => isObject(value) && Object.keys(value).sort().join() === 'Key,Value',
    }
    const isRight = fits[type.type] ?? (() => typeof value === 'string')
    const allowed: readonly unknown[] = 'allowedValues' in type ? (type.allowedValues ?? []) : []
    if (!isRight()) fault(path, `should be a ${type.type}`)
    else if (allowed.length > 0 && !allowed.includes(value)) {
      fault(path, `should be one of ${allowed.join(', ')}`)
    }
  }

  expectKeys(template, 'Template', 'Template')
  for (const [id, resource] of section('Resources')) {
    const path = `Resources.${id}`
    const {
      Type,
      Properties = {},
      Condition,
      DependsOn = [],
      Metadata: _,
      ...rest
    } = Object(resource)
    const spec = findSpec(Type)
    if (!spec) {
      fault(`${path}.Type`, `is no type: ${Type}`)
      continue
    }
    expectKeys(Object(resource), 'Resource', path)
    checkProperties(Properties, spec.properties, `${path}.Properties`)
    checkReferences({ ...rest, Properties }, path)
    if (Condition) expectTarget(has('Conditions', Condition), Condition, `${path}.Condition`)
    for (const other of [DependsOn].flat()) {
      expectTarget(has('Resources', other), other, `${path}.DependsOn`)
    }
    for (const policy of ['DeletionPolicy', 'UpdateReplacePolicy']) {
      const allowed = WITH_SNAPSHOT.test(Type) ? /^(Delete|Retain|Snapshot)$/ : /^(Delete|Retain)$/
      if (!allowed.test(rest[policy] ?? 'Delete')) fault(`${path}.${policy}`, 'is not allowed')
    }
  }
  for (const [id, output] of section('Outputs')) {
    expectKeys(Object(output), 'Output', `Outputs.${id}`)
    if (Object(output).Value === undefined) fault(`Outputs.${id}.Value`, 'is required and missing')
    checkReferences(output, `Outputs.${id}`)
  }
  for (const [id, condition] of section('Conditions'))
    checkReferences(condition, `Conditions.${id}`)
  return faults
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
