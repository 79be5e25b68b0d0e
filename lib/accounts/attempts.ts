import type { Account, AttemptCounter, TokenUser } from './account.ts'

/**
 * The limits on password guessing per account (ASVS 6.3.1). From the fifth failure in a row on, each failure doubles
 * the pause before the next attempt, as in Cognito.
 */
export const ATTEMPT_LIMITS = {
  /** Failures in a row without a pause. */
  freeFailures: 5,
  /** The pause starts at one second and doubles up to this. A fresh token expires before it gains many guesses. */
  longestPauseSeconds: { stranger: 900, device: 900, fresh: 60 },
  /** A count lapses this long after its last pause. */
  countHours: 24,
  /** A token expired less than this ago still marks a known device at a sign-in. */
  deviceTokenExpiredSeconds: 30 * 86_400,
  /** A token is fresh for this long after a password has earned it. */
  freshTokenSeconds: 300,
} as const

/** Returns the count of attempts on the routes that need a token, by the age of that token. */
export const counterOf = ({ authTime = 0 }: TokenUser) =>
  Date.now() / 1000 - authTime < ATTEMPT_LIMITS.freshTokenSeconds ? 'fresh' : 'device'

/** The dependencies of a password check. Each function rejects only on server errors. */
export interface AttemptDeps {
  /** Without a hash, takes as long and resolves with `false`. */
  verifyPassword(password: string, passwordHash: string | undefined): Promise<boolean>
  /** Finds an account, if the session of that id has not ended; without one, any. */
  findAccountById(id: number, sid?: string): Promise<Account | undefined>
  /** Counts a failure. Succeeds without an account. */
  countFailure(id: number | undefined, counter: AttemptCounter): Promise<void>
  /** Counts a failure before its attempt. Of concurrent calls with equal `failures`, one resolves with `true`. */
  chargeAttempt(id: number, counter: AttemptCounter, failures: number): Promise<boolean>
  /** Sets the count to 0. */
  resetFailures(id: number, counter: AttemptCounter): Promise<void>
}

/** The account, if the password is correct, or the reason the attempt is rejected, with the id of the account. */
export type AttemptResult =
  | { readonly ok: true; readonly account: Account }
  | {
      readonly ok: false
      readonly reason: 'invalid_credentials' | 'account_changed'
      readonly userId?: number
    }
  | {
      readonly ok: false
      readonly reason: 'too_many_attempts'
      readonly userId?: number
      readonly retryAfterSeconds: number
      /** Whether a fresh token has a count that does not pause now. */
      readonly signInAgain: boolean
    }

/** A password to check, on the account that was found, if any. */
interface Attempt {
  readonly password: string
  readonly account: Account | undefined
  /** The counts that the attempt may belong to: the first whose pause is the shortest applies. */
  readonly counters: readonly [AttemptCounter, ...AttemptCounter[]]
}

/**
 * Compares a password within {@link ATTEMPT_LIMITS}.
 *
 * Below the limit, a wrong password is counted after the comparison, so that every concurrent guess is counted. From
 * the limit on, the attempt is charged first: one of the concurrent guesses is compared, and its charge stands even
 * if the request fails. During a pause, nothing is compared or counted. A password that another request changes while
 * the attempt waits is `account_changed`, and so is a deletion. Without an account, the work is that of a
 * wrong password, so that response times do not reveal names.
 */
export async function attemptPassword(attempt: Attempt, deps: AttemptDeps): Promise<AttemptResult> {
  const { password, account, counters } = attempt
  const counter = shortestPause(account, counters)
  const { failures, pauseSeconds } = account?.attempts[counter] ?? NO_FAILURES
  const rejected = { ok: false, ...(account && { userId: account.id }) } as const
  if (pauseSeconds > 0) {
    const signInAgain = counters.every((each) => each === 'device')
    const retryAfterSeconds = pauseSeconds
    return { ...rejected, reason: 'too_many_attempts', retryAfterSeconds, signInAgain }
  }

  const isCharged = account !== undefined && failures >= ATTEMPT_LIMITS.freeFailures
  if (isCharged && !(await deps.chargeAttempt(account.id, counter, failures))) {
    // Another request has charged first. This one waits as long as a comparison takes: a success has reset the count
    // by then, and this attempt goes on.
    await deps.verifyPassword(password, undefined)
    const found = await deps.findAccountById(account.id)
    if (found?.passwordVersion !== account.passwordVersion) {
      return { ...rejected, reason: 'account_changed' }
    }
    return attemptPassword({ ...attempt, account: found }, deps)
  }

  const isCorrect = await deps.verifyPassword(password, account?.passwordHash)
  if (isCorrect && account !== undefined) {
    if (failures > 0) await deps.resetFailures(account.id, counter)
    return { ok: true, account }
  }
  if (!isCharged) await deps.countFailure(account?.id, counter)
  return { ...rejected, reason: 'invalid_credentials' }
}

const NO_FAILURES = { failures: 0, pauseSeconds: 0 }

function shortestPause(account: Account | undefined, counters: Attempt['counters']) {
  const pause = (counter: AttemptCounter) => account?.attempts[counter].pauseSeconds ?? 0
  return counters.reduce((best, counter) => (pause(counter) < pause(best) ? counter : best))
}
