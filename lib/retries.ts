import { setTimeout as sleep } from 'node:timers/promises'
import type { Deadline } from './deadline.ts'
import type { Retry } from './fault-policy.ts'
import { retryFor } from './faults.ts'

/** Pauses in milliseconds: the first, which doubles from call to call, and the longest. */
const PAUSES: Readonly<Record<Exclude<Retry, 'never'>, { first: number; longest: number }>> = {
  soon: { first: 50, longest: 2000 },
  // A resume takes about 15 s (AWS, "Scaling to Zero ACUs"); every call is refused at once until then.
  slowly: { first: 1000, longest: 3000 },
}

/** One call gets half of the time that is left, so that a second one can make good for one that hangs. */
const CALL_SHARE = 0.5
const CALL_LEAST_MILLISECONDS = 1000
const CALL_MOST_MILLISECONDS = 10_000

/** With less time than that left, another call would only put a time-out in the place of what is known. */
const CALL_WORTH_MILLISECONDS = 200

/** Chance and time, which a test has its own of. */
export interface RetryOptions {
  /** Is told of each fault after which the call is sent again. */
  readonly onRetry?: (thrown: unknown) => void
  /** From 0 up to 1. */
  readonly random?: () => number
  readonly wait?: (milliseconds: number) => Promise<unknown>
}

/**
 * Sends a call that may be repeated until it succeeds, fails for good by the table of `fault-policy.ts`,
 * or the deadline leaves no time for another; then rejects with the last fault. The number of calls has no
 * other limit: the function's reserved concurrency bounds how many are under way, and pauses of up to 2 s
 * how often they come. `call` must end when its signal aborts.
 */
export async function untilDeadline<T>(
  call: (signal: AbortSignal) => Promise<T>,
  deadline: Deadline,
  { onRetry = () => {}, random = Math.random, wait = sleep }: RetryOptions = {},
): Promise<T> {
  for (let failed = 0; ; failed += 1) {
    try {
      return await bounded(call, callLimit(deadline))
    } catch (thrown) {
      const retry = retryFor(thrown)
      if (retry === 'never') throw thrown
      const pause = pauseMilliseconds(retry, failed, random())
      if (pause + CALL_WORTH_MILLISECONDS > deadline.remainingMilliseconds()) throw thrown
      onRetry(thrown)
      await wait(pause)
    }
  }
}

function callLimit(deadline: Deadline): number {
  const left = deadline.remainingMilliseconds()
  const share = Math.max(CALL_LEAST_MILLISECONDS, left * CALL_SHARE)
  return Math.min(left, share, CALL_MOST_MILLISECONDS)
}

/** Between half of the pause and all of it, so that those who failed together do not return together. */
function pauseMilliseconds(retry: Exclude<Retry, 'never'>, failed: number, random: number): number {
  const { first, longest } = PAUSES[retry]
  return Math.min(longest, first * 2 ** failed) * (0.5 + random / 2)
}

async function bounded<T>(
  call: (signal: AbortSignal) => Promise<T>,
  milliseconds: number,
): Promise<T> {
  if (milliseconds === 0) throw new CallTimeout()
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), milliseconds)
  try {
    return await call(controller.signal)
  } catch (thrown) {
    // Aborted while the answer is read, the SDK reports a reset connection.
    if (controller.signal.aborted) throw new CallTimeout()
    throw thrown
  } finally {
    clearTimeout(timer)
  }
}

/** The call took longer than it may; it has been aborted. */
class CallTimeout extends Error {
  override name = 'TimeoutError'
}
