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

/** The same deps, which note in `timings` how long they take, also when they reject. */
export function timedDeps(deps: SignUpDeps, timings: Timings): SignUpDeps {
  const timed = async <T>(key: 'hashMs' | 'databaseMs', work: Promise<T>): Promise<T> => {
    const start = performance.now()
    try {
      return await work
    } finally {
      const sum = (timings[key] ?? 0) + performance.now() - start
      // Tenths are enough: the clock of a shared machine tells no more.
      timings[key] = Math.round(sum * 10) / 10
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
