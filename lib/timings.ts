import type { SignUpDeps } from './sign-up.ts'

/** How long the two costly steps of one sign-up took, in milliseconds, as far as it came. */
export interface Timings {
  hashMs?: number
  databaseMs?: number
}

/** The same deps, which note in `timings` how long they take, also when they reject. */
export function timedDeps(deps: SignUpDeps, timings: Timings): SignUpDeps {
  const timed = async <T>(key: keyof Timings, work: Promise<T>): Promise<T> => {
    const start = performance.now()
    try {
      return await work
    } finally {
      // Tenths are enough: the clock of a shared machine tells no more.
      timings[key] = Math.round((performance.now() - start) * 10) / 10
    }
  }
  return {
    ...deps,
    hashPassword: (password) => timed('hashMs', deps.hashPassword(password)),
    insertUser: (username, hash) => timed('databaseMs', deps.insertUser(username, hash)),
  }
}
