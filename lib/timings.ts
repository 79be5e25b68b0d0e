import type { SignUpDeps } from './sign-up.ts'

/** What the costly steps of one request took, as far as it came. */
export interface Timings {
  /** Milliseconds of hashing, in tenths; a replayed request hashes twice, and this is the sum. */
  hashMs?: number
  /** Milliseconds of all Data API calls and the pauses between them, in tenths. */
  databaseMs?: number
  /** Number of Data API calls that were retries. */
  databaseRetries?: number
}

/** The same deps, which add the time they take to `timings`, also when they reject. */
export function timedDeps(deps: SignUpDeps, timings: Timings): SignUpDeps {
  const timed = async <T>(name: 'hashMs' | 'databaseMs', work: Promise<T>): Promise<T> => {
    const start = performance.now()
    try {
      return await work
    } finally {
      const sum = (timings[name] ?? 0) + performance.now() - start
      // Tenths are enough: the clock of a shared machine shows no more.
      timings[name] = Math.round(sum * 10) / 10
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
