/** The durations and retries of the costly steps of one request so far. */
export interface Timings {
  /** Milliseconds of hashing, in tenths, all hashes together. */
  hashMs?: number
  /** Milliseconds of all Data API calls and the pauses between them, in tenths. */
  databaseMs?: number
  /** Number of Data API calls that were retries. */
  databaseRetries?: number
  /** Kinds of the errors that were retried: the last call may only have run out of time. */
  retriedFaults?: readonly string[]
}

/** Runs `work`, resolves or rejects as it does, and adds its duration to `timings`: bcryptjs begins before it returns. */
export async function timed<T>(
  timings: Timings,
  name: 'hashMs' | 'databaseMs',
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now()
  try {
    return await work()
  } finally {
    const sum = (timings[name] ?? 0) + performance.now() - start
    // Tenths are enough: the clock of a shared machine is no more precise.
    timings[name] = Math.round(sum * 10) / 10
  }
}
