import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { FaultReason } from '../faults/fault-policy.ts'
import {
  bodyNotObject,
  type ErrorResponse,
  FAULTS,
  type Outcome,
  rejections,
  SUCCESSES,
  tooManyAttempts,
} from './outcomes.ts'

/** Returns the function that turns an outcome into API Gateway's proxy response. */
export function createResponder({ passwordMinLength }: { readonly passwordMinLength: number }) {
  const table = rejections(passwordMinLength)

  return (outcome: Outcome): APIGatewayProxyStructuredResultV2 => {
    if (!outcome.ok) {
      const response =
        outcome.reason === 'too_many_attempts'
          ? tooManyAttempts(outcome)
          : outcome.reason === 'body_not_object'
            ? bodyNotObject(outcome)
            : table[outcome.reason]
      return errorResponse(response, outcome.reason)
    }
    const { code, body, publicSeconds } = outcome
    const { status } = SUCCESSES[code]
    if (body === undefined) return { statusCode: status, headers: NO_STORE }
    const cache = publicSeconds !== undefined && {
      'cache-control': `public, max-age=${publicSeconds}`,
    }
    return toResponse(status, { ...cache }, body)
  }
}

/** Returns the proxy response to a server error. It needs no configuration. */
export const respondToFault = (reason: FaultReason) => errorResponse(FAULTS[reason], reason)

function errorResponse(
  { status, err, challenge, retryAfterSeconds }: ErrorResponse,
  code: Extract<Outcome, { ok: false }>['reason'],
): APIGatewayProxyStructuredResultV2 {
  const headers = {
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  }
  return toResponse(status, headers, { err, code })
}

const NO_STORE = { 'cache-control': 'no-store' } as const

const toResponse = (
  statusCode: number,
  headers: Readonly<Record<string, string>>,
  body: object,
): APIGatewayProxyStructuredResultV2 => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...NO_STORE, ...headers },
  body: JSON.stringify(body),
})
