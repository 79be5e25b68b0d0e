import { setTimeout as sleep } from 'node:timers/promises'

/** Reports, pauses (both replaced in tests) and the interruption of a long command. */
export interface Waiting {
  readonly say?: (line: string) => void
  readonly wait?: (milliseconds: number) => Promise<unknown>
  readonly signal?: AbortSignal
}

/** A resume takes some 15 s, after a day's pause 30 s or more. */
const RESUME_MILLISECONDS = 180_000
const RETRY_MILLISECONDS = 5000

/** Errors of a cluster that is paused, has just resumed, or has no writer at the moment. */
const RESUMING: readonly string[] = [
  'DatabaseResumingException',
  'DatabaseUnavailableException',
  'StatementTimeoutException',
]

/**
 * Retries `call` while the database resumes, for three minutes at most. Rejects with the last error, and at
 * once with any other. Only for calls that are safe to retry.
 */
export async function retryWhileResuming<T>(
  call: () => Promise<T>,
  { say = () => {}, wait = sleep, signal }: Waiting,
): Promise<T> {
  for (let waited = 0; ; waited += RETRY_MILLISECONDS) {
    signal?.throwIfAborted()
    try {
      return await call()
    } catch (error) {
      const isResuming = error instanceof Error && RESUMING.includes(error.name)
      if (!isResuming || waited >= RESUME_MILLISECONDS) throw error
      if (waited === 0) say('Waiting for the database to resume')
      await wait(RETRY_MILLISECONDS)
    }
  }
}
