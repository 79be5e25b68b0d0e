import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'
import type { JsonObject } from './template.ts'

/** AWS's specification of CloudFormation's resources, as the CDK project publishes it. */
const database = loadAwsServiceSpecSync()
const findSpec = (type: unknown) =>
  database.lookup('resource', 'cloudFormationType', 'equals', String(type))[0]

type Properties = NonNullable<ReturnType<typeof findSpec>>['properties']
type PropertyType = Properties[string]['type']

const PSEUDO_PARAMETERS =
  /^AWS::(AccountId|NotificationARNs|NoValue|Partition|Region|StackId|StackName|URLSuffix)$/
const FUNCTIONS =
  /^(Ref|Condition|Fn::(And|Base64|Cidr|Equals|FindInMap|GetAtt|GetAZs|If|ImportValue|Join|Not|Or|Select|Split|Sub))$/
/**
 * Checks a CloudFormation template against itself and AWS's specification: every reference has a target,
 * every type, property and attribute exists, and required properties are there. Returns the faults. Values
 * are cfn-lint's to check.
 */
export function checkTemplate(template: JsonObject): string[] {
  const faults: string[] = []
  const section = (name: string) => Object.entries(Object(template[name]))
  const has = (name: string, id: string) => Object.hasOwn(Object(template[name]), id)
  const fault = (path: string, problem: string) => faults.push(`${path} ${problem}`)
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

  /** Keeps the faults of the type that fits best; a text or number of no structure has none. */
  function checkOneOf(value: unknown, types: readonly PropertyType[], path: string): void {
    const before = faults.length
    const structured = types.filter(({ type }) => /^(array|json|map|ref|tag|union)$/.test(type))
    const found = (typeof value === 'object' ? structured : types).map((type) => {
      checkValue(value, type, path)
      return faults.splice(before)
    })
    faults.push(...(found.toSorted((a, b) => a.length - b.length)[0] ?? []))
  }

  function checkValue(value: unknown, type: PropertyType, path: string): void {
    // The value of a function is unknown until AWS deploys it.
    if (FUNCTIONS.test(Object.keys(Object(value)).join())) return
    if (type.type === 'union') checkOneOf(value, type.types, path)
    else if (type.type === 'ref') {
      checkProperties(value, database.get('typeDefinition', type.reference).properties, path)
    } else if (type.type === 'array' || type.type === 'map') {
      for (const [key, inner] of Object.entries(Object(value))) {
        checkValue(inner, type.element, `${path}.${key}`)
      }
    }
  }

  for (const [id, resource] of section('Resources')) {
    const path = `Resources.${id}`
    const { Type, Properties = {}, Condition, DependsOn = [] } = Object(resource)
    const spec = findSpec(Type)
    if (!spec) {
      fault(`${path}.Type`, `is no type: ${Type}`)
      continue
    }
    checkProperties(Properties, spec.properties, `${path}.Properties`)
    checkReferences({ Properties }, path)
    if (Condition) expectTarget(has('Conditions', Condition), Condition, `${path}.Condition`)
    for (const other of [DependsOn].flat()) {
      expectTarget(has('Resources', other), other, `${path}.DependsOn`)
    }
  }
  for (const [id, output] of section('Outputs')) checkReferences(output, `Outputs.${id}`)
  for (const [id, condition] of section('Conditions'))
    checkReferences(condition, `Conditions.${id}`)
  return faults
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
