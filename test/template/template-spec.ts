import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'

/** AWS's own specification of CloudFormation's resources, as the CDK project publishes it. */
const database = loadAwsServiceSpecSync()

/** What AWS says of a resource type, or `undefined` if there is no such type. */
export function findResourceSpec(type: string) {
  return database.lookup('resource', 'cloudFormationType', 'equals', type)[0]
}

export type ResourceSpec = NonNullable<ReturnType<typeof findResourceSpec>>
export type PropertySpecs = ResourceSpec['properties']
export type PropertyType = PropertySpecs[string]['type']

/** The properties of a type that a property's type refers to. */
export function findTypeProperties(type: PropertyType & { readonly type: 'ref' }): PropertySpecs {
  return database.get('typeDefinition', type.reference).properties
}
