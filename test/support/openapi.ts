import assert from 'node:assert/strict'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import {
  documented,
  documentedHeaders,
  documentedNames,
  findDifference,
  json,
  operation,
  responseKeys,
} from '../../tools/openapi.ts'

/** The codes of a status of a route. */
export function documentedCodes(routeKey: string, status: string): string[] {
  const body = json(responseKeys(routeKey, status))
  const codes = documented([...body, 'schema', 'properties', 'code', 'enum'])
  assert.ok(Array.isArray(codes))
  return codes.map(String)
}

/** The documented status of a route's success. */
export const successStatus = (routeKey: string) =>
  documentedNames([...operation(routeKey), 'responses']).find((status) => /^2/.test(status)) ?? ''

/**
 * The documented codes of a route's client errors, but `token_expired` and `too_many_attempts`, which take time, and
 * `account_changed`, which takes another request.
 */
export function clientErrorCodes(routeKey: string): string[] {
  return documentedNames([...operation(routeKey), 'responses'])
    .filter((status) => /^4/.test(status) && status !== '429' && status !== '409')
    .flatMap((status) => documentedCodes(routeKey, status))
    .filter((code) => code !== 'token_expired')
}

/** Fails unless openapi.yaml has the route's proxy response: its status, exactly its headers, and its body. */
export function assertDocumented(
  { statusCode: status = 0, headers = {}, body = '', ...others }: APIGatewayProxyStructuredResultV2,
  routeKey: string,
): void {
  assert.deepEqual(Object.keys(others), [], 'cookies and base64 are not documented')
  const names = Object.keys(documentedHeaders(status, routeKey))
  assert.deepEqual(Object.keys(headers).toSorted(), names.toSorted())
  assert.equal(findDifference({ status, headers, body }, routeKey), '', `${status} ${routeKey}`)
}
