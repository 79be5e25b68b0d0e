import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at } from '../support/yaml.ts'
import {
  lintTemplate,
  type Package,
  packageExample,
  propertiesOf,
  resourcesOf,
} from './template.ts'

const IMPORTS = ['latchkey-dev-JwtAudience', 'latchkey-dev-JwtIssuer']

/** The exports of the other stack that a template imports. */
const importsOf = ({ template }: Package) =>
  new Set(JSON.stringify(template.Resources).match(/(?<="Fn::ImportValue":")[^"]+/g))

for (const [config, apis] of [
  ['serverless.yml', 1],
  ['serverless.same-api.yml', 0],
] as const) {
  test(`${config} of the example puts its route behind an authorizer with Latchkey's keys`, async (t) => {
    const packaged = await packageExample(t, config)
    await lintTemplate(t, packaged)
    assert.deepEqual(packaged.zipEntries, ['hello.cjs'])

    const route = propertiesOf(packaged, 'AWS::ApiGatewayV2::Route')
    assert.deepEqual([route['RouteKey'], route['AuthorizationType']], ['GET /hello', 'JWT'])
    const authorizer = String(at(route['AuthorizerId'], 'Ref'))
    assert.equal(packaged.template.Resources[authorizer]?.Type, 'AWS::ApiGatewayV2::Authorizer')
    const { JwtConfiguration: jwt, IdentitySource: source } = Object(
      packaged.template.Resources[authorizer]?.Properties,
    )
    assert.deepEqual(jwt, {
      Issuer: { 'Fn::ImportValue': 'latchkey-dev-JwtIssuer' },
      Audience: [{ 'Fn::ImportValue': 'latchkey-dev-JwtAudience' }],
    })
    assert.deepEqual(source, ['$request.header.Authorization'])

    assert.equal(resourcesOf(packaged, 'AWS::ApiGatewayV2::Api').length, apis)
    const api = apis === 0 ? ['sls-latchkey-dev-HttpApiId'] : []
    assert.deepEqual([...importsOf(packaged)].toSorted(), [...IMPORTS, ...api])
  })
}
