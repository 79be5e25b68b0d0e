/**
 * Time kept back, in milliseconds, to sign, log and answer in. The function may run for 29 s and the HTTP
 * API waits for 30: an answer after 28 leaves a cold start two seconds.
 */
export const RESPONSE_MARGIN_MILLISECONDS = 1000

/** serverless.yml's, for a caller that hands over no Lambda context. */
const FUNCTION_TIMEOUT_MILLISECONDS = 29_000

/** The moment by which a request's work has to be done. */
export interface Deadline {
  /** Milliseconds left for work; 0 once there are none. */
  remainingMilliseconds(): number
}

/**
 * The deadline of a request that must be answered within `lambdaMilliseconds` from now, which is what
 * Lambda's context says (`getRemainingTimeInMillis`). `now` is a clock in milliseconds.
 */
export function startDeadline(
  lambdaMilliseconds: number = FUNCTION_TIMEOUT_MILLISECONDS,
  now: () => number = () => performance.now(),
): Deadline {
  const end = now() + lambdaMilliseconds - RESPONSE_MARGIN_MILLISECONDS
  return { remainingMilliseconds: () => Math.max(0, end - now()) }
}
