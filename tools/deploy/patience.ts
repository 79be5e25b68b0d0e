import { setTimeout } from 'node:timers/promises'

/** How something that takes its time tells of it and waits; a test has its own. */
export interface Patience {
  readonly say: (line: string) => void
  readonly wait: (milliseconds: number) => Promise<unknown>
}

export const SILENT: Patience = { say: () => {}, wait: (milliseconds) => setTimeout(milliseconds) }

/** It takes some 15 s to resume, after a day's pause 30 s or more. */
const RESUME_MILLISECONDS = 180_000
const RESUME_PAUSE_MILLISECONDS = 5000

/** What a cluster answers that is paused, has just resumed, or has no writer for the moment. */
const ASLEEP: readonly string[] = [
  'DatabaseResumingException',
  'DatabaseUnavailableException',
  'StatementTimeoutException',
]

/**
 * Does `read` until the database is awake, for three minutes at the most; then, and at any other
 * error, rejects with that. Only for what may be done any number of times.
 */
export async function onceAwake<T>(read: () => Promise<T>, { say, wait }: Patience): Promise<T> {
  for (let waited = 0; ; waited += RESUME_PAUSE_MILLISECONDS) {
    try {
      return await read()
    } catch (error) {
      const isAsleep = error instanceof Error && ASLEEP.includes(error.name)
      if (!isAsleep || waited >= RESUME_MILLISECONDS) throw error
      if (waited === 0) say('Waiting for the database to wake up')
      await wait(RESUME_PAUSE_MILLISECONDS)
    }
  }
}
