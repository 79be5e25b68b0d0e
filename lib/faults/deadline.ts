/**
 * Milliseconds of a request's time that are reserved to sign, log and respond. The function may run for 29 s and
 * the HTTP API waits for 30: a response after 28 s leaves two seconds for a cold start.
 */
export const RESPONSE_MARGIN_MILLISECONDS = 1000

/** The timeout in serverless.yml, for callers that pass no Lambda context. */
const FUNCTION_TIMEOUT_MILLISECONDS = 29_000

/** The moment by which a request's work must be done. */
export interface Deadline {
  /** Milliseconds left for work, at least 0. */
  remainingMilliseconds(): number
}

/**
 * Returns the deadline of a request that has `lambdaMilliseconds` left by its Lambda context
 * (`getRemainingTimeInMillis`). `now` is a clock in milliseconds.
 */
export function startDeadline(
  lambdaMilliseconds: number = FUNCTION_TIMEOUT_MILLISECONDS,
  now: () => number = () => performance.now(),
): Deadline {
  const end = now() + lambdaMilliseconds - RESPONSE_MARGIN_MILLISECONDS
  return { remainingMilliseconds: () => Math.max(0, end - now()) }
}
