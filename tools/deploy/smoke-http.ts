import { expect, property, SmokeFailure } from './smoke-failure.ts'

/** An HTTP API gives its function 30 s; the rest is the way there and back. */
export const ANSWER_MILLISECONDS = 40_000

/** What came back: `body` is `undefined` if it is no JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** Makes the function that posts a body, as it stands, to `url`. */
export function createPost(url: string, timeoutMilliseconds = ANSWER_MILLISECONDS) {
  return async (body: string): Promise<Answer> => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        redirect: 'manual', // A redirect would carry the password to wherever it points.
        signal: AbortSignal.timeout(timeoutMilliseconds),
      })
      const { status, headers } = response
      return { status, headers, body: parseJson(await response.text()) }
    } catch (error) {
      throw new SmokeFailure(`${url} gave no answer: ${reasonOf(error, timeoutMilliseconds)}.`)
    }
  }
}

/** Status and code: all that may be said of an answer, since its body can be a token. */
export function describeAnswer({ status, body }: Answer): string {
  const code = property(body, 'code')
  return typeof code === 'string' ? `${status} ${code.slice(0, 60)}` : String(status)
}

/** How long the answer asks to be left alone before another attempt; nothing if it does not ask. */
export function retryAfterMilliseconds({ status, headers }: Answer): number | undefined {
  const seconds = headers.get('retry-after')
  // A date would be allowed too (RFC 9110, section 10.2.3); this service sends seconds.
  return status === 503 && seconds?.match(/^\d{1,4}$/) ? Number(seconds) * 1000 : undefined
}

/** Throws unless the answer has what every answer of the contract has. */
export function expectJson({ status, headers, body }: Answer): void {
  const type = headers.get('content-type')
  const isJson = body !== undefined && type?.split(';')[0] === 'application/json'
  expect(isJson, `The ${status} must be JSON and say so; its content-type is ${type ?? 'missing'}.`)
  const caching = headers.get('cache-control') ?? 'missing'
  expect(
    caching === 'no-store',
    `The ${status}'s cache-control must be no-store; it is ${caching}.`,
  )
}

/** Throws unless the answer refuses with this status and code, and a text for people. */
export function expectRefusal(answer: Answer, status: number, code: string): void {
  const isRight = answer.status === status && property(answer.body, 'code') === code
  expect(isRight, `Expected ${status} ${code}, got ${describeAnswer(answer)}.`)
  expect(typeof property(answer.body, 'err') === 'string', `The ${status} has no text in "err".`)
  expectJson(answer)
}

function reasonOf(error: unknown, timeoutMilliseconds: number): string {
  if (property(error, 'name') === 'TimeoutError') return `${timeoutMilliseconds / 1000} s passed`
  const cause = property(error, 'cause')
  return String(property(cause, 'code') ?? property(cause, 'message') ?? 'the request failed')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
