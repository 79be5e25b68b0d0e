import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Calls until it succeeds. After an attempt that has thrown, the first of which is 1, `pauseAfter` says in how
 * many milliseconds the next one comes; without a number it was the last, and what it threw is thrown.
 */
export async function attempts<T>(
  call: () => Promise<T>,
  pauseAfter: (thrown: unknown, attempt: number) => number | undefined,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call()
    } catch (thrown) {
      const pause = pauseAfter(thrown, attempt)
      if (pause === undefined) throw thrown
      await sleep(pause)
    }
  }
}
