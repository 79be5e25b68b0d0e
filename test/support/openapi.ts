import assert from 'node:assert/strict'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { documentedHeaders, findDifference, type Keys, response } from '../../tools/openapi.ts'

export {
  createValidator,
  documented,
  documentedNames,
  json,
  type Keys,
  operation,
} from '../../tools/openapi.ts'

export const SIGN_UP = 'POST /auth/sign-up'

/** The keys of what a status of a route is documented with. */
export const answer = (status = 0, routeKey = SIGN_UP): Keys => response(status, routeKey)

/** Fails unless openapi.yaml has the route's proxy response: its status, exactly its headers, and its body. */
export function assertDocumented(
  { statusCode: status = 0, headers = {}, body = '', ...others }: APIGatewayProxyStructuredResultV2,
  routeKey = SIGN_UP,
): void {
  assert.deepEqual(Object.keys(others), [], 'cookies and base64 are not documented')
  const names = Object.keys(documentedHeaders(status, routeKey))
  assert.deepEqual(Object.keys(headers).toSorted(), names.toSorted())
  assert.equal(findDifference({ status, headers, body }, routeKey), '', `${status} ${routeKey}`)
}
