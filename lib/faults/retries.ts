import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from './deadline.ts'
import type { Retry } from './fault-policy.ts'
import { retryFor } from './faults.ts'
import { withTimeLimit } from './time-limit.ts'

/** Pauses in milliseconds: the first, which doubles from retry to retry, and the longest. */
const PAUSES: Readonly<Record<Exclude<Retry, 'never'>, { first: number; longest: number }>> = {
  soon: { first: 50, longest: 2000 },
  // A resume takes about 15 s (AWS, "Scaling to Zero ACUs"); until then every call fails immediately.
  slowly: { first: 1000, longest: 3000 },
}

/** One call gets half of the time that is left, so that there is time for another if it hangs. */
const CALL_SHARE = 0.5
const CALL_MIN_MILLISECONDS = 1000
const CALL_MAX_MILLISECONDS = 5000

/** With less time left than this, a retry would only replace a known error with a time-out. */
const RETRY_MIN_MILLISECONDS = 200

/** The sources of randomness and time, which tests replace. */
export interface RetryOptions {
  /** Called with each error that leads to a retry. */
  readonly onRetry?: (thrown: unknown) => void
  /** From 0 up to 1. */
  readonly random?: () => number
  readonly wait?: (milliseconds: number) => Promise<unknown>
}

/**
 * Makes a call, and retries it until it succeeds, fails with an error that `fault-policy.ts` does not retry, or has
 * no time left. Then rejects with the last error. `call` must be safe to retry.
 *
 * The number of retries has no other limit: the function's reserved concurrency bounds the concurrent requests that
 * retry, and pauses that grow to 2 or 3 s bound the rate of each.
 */
export async function retryUntilDeadline<T>(
  call: (signal: AbortSignal) => Promise<T>,
  deadline: Deadline,
  { onRetry = () => {}, random = Math.random, wait = sleep }: RetryOptions = {},
): Promise<T> {
  for (let failed = 0; ; failed += 1) {
    try {
      return await withTimeLimit(call, callLimit(deadline))
    } catch (thrown) {
      const retry = retryFor(thrown)
      if (retry === 'never') throw thrown
      const pause = pauseMilliseconds(retry, failed, random())
      if (pause + RETRY_MIN_MILLISECONDS > deadline.remainingMilliseconds()) throw thrown
      onRetry(thrown)
      await wait(pause)
    }
  }
}

function callLimit(deadline: Deadline): number {
  const left = deadline.remainingMilliseconds()
  const share = Math.max(CALL_MIN_MILLISECONDS, left * CALL_SHARE)
  return Math.min(left, share, CALL_MAX_MILLISECONDS)
}

/** From half of the pause to all of it, so that requests that fail together do not retry together. */
function pauseMilliseconds(retry: Exclude<Retry, 'never'>, failed: number, random: number): number {
  const { first, longest } = PAUSES[retry]
  return Math.min(longest, first * 2 ** failed) * (0.5 + random / 2)
}
