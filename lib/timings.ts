import { channel } from 'node:diagnostics_channel'
import type { SignUpDeps } from './sign-up.ts'

/** What the costly steps of one sign-up took, as far as it came. */
export interface Timings {
  /** Milliseconds of hashing; where a replayed request is verified too, of both. */
  hashMs?: number
  /** Milliseconds until the database had answered for good, pauses between calls included. */
  databaseMs?: number
  /** Calls of the Data API that were made again after a fault. */
  databaseRetries?: number
}

/** A costly step that has ended: its times on the clock of `performance.now()`, not rounded. */
export interface Step {
  readonly name: 'hashMs' | 'databaseMs'
  readonly start: number
  readonly end: number
}

/** Tells a {@link Step} to whoever in the process has subscribed, such as `npm run bench`. */
const steps = channel('latchkey:step')

/** The same deps, which note in `timings` how long they take, also when they reject. */
export function timedDeps(deps: SignUpDeps, timings: Timings): SignUpDeps {
  const timed = async <T>(name: Step['name'], work: Promise<T>): Promise<T> => {
    const start = performance.now()
    try {
      return await work
    } finally {
      const end = performance.now()
      const sum = (timings[name] ?? 0) + end - start
      // Tenths are enough: the clock of a shared machine tells no more.
      timings[name] = Math.round(sum * 10) / 10
      steps.publish({ name, start, end } satisfies Step)
    }
  }
  return {
    hashPassword: (password) => timed('hashMs', deps.hashPassword(password)),
    verifyPassword: (password, hash) => timed('hashMs', deps.verifyPassword(password, hash)),
    insertUser: (user) => timed('databaseMs', deps.insertUser(user)),
    findEarlierUser: (username, key) => timed('databaseMs', deps.findEarlierUser(username, key)),
    loadTokenSigner: () => deps.loadTokenSigner(),
  }
}
