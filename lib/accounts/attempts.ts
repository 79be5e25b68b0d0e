import type { Account, AttemptCounter } from './account.ts'

/**
 * The limits on password guessing per account (ASVS 6.3.1). From the fifth failure in a row on, each failure doubles
 * the pause before the next attempt, as in Cognito.
 */
export const ATTEMPT_LIMITS = {
  /** Failures in a row without a pause. */
  freeFailures: 5,
  /** The pause starts at one second and doubles up to this. */
  longestPauseSeconds: 900,
  /** A count lapses this long after its last pause. */
  countHours: 24,
  /** A token expired less than this ago still marks a known device at a sign-in. */
  deviceTokenExpiredSeconds: 30 * 86_400,
} as const

/** The dependencies of a password check. Each function rejects only on server errors. */
export interface AttemptDeps {
  /** Without a hash, takes as long and resolves with `false`. */
  verifyPassword(password: string, passwordHash: string | undefined): Promise<boolean>
  findAccountById(id: number): Promise<Account | undefined>
  /** Counts a failure. Succeeds without an account. */
  countFailure(id: number | undefined, counter: AttemptCounter): Promise<void>
  /** Counts a failure before its attempt. Of concurrent calls with equal `failures`, one resolves with `true`. */
  chargeAttempt(id: number, counter: AttemptCounter, failures: number): Promise<boolean>
  /** Sets the count to 0. */
  resetFailures(id: number, counter: AttemptCounter): Promise<void>
}

/** The account, if the password is correct, or the reason the attempt is rejected. */
export type AttemptResult =
  | { readonly ok: true; readonly account: Account }
  | { readonly ok: false; readonly reason: 'invalid_credentials' }
  | {
      readonly ok: false
      readonly reason: 'too_many_attempts'
      readonly retryAfterSeconds: number
    }

/** A password to check, on the account that was found, if any. */
interface Attempt {
  readonly password: string
  readonly account: Account | undefined
  readonly counter: AttemptCounter
}

/**
 * Compares a password within {@link ATTEMPT_LIMITS}.
 *
 * Below the limit, a wrong password is counted after the comparison, so that every concurrent guess is counted. From
 * the limit on, the attempt is charged first: one of the concurrent guesses is compared, and its charge stands even
 * if the request fails. During a pause, nothing is compared or counted. Without an account, the work is that of a
 * wrong password, so that response times do not reveal names.
 */
export async function attemptPassword(
  { password, account, counter }: Attempt,
  { verifyPassword, findAccountById, countFailure, chargeAttempt, resetFailures }: AttemptDeps,
): Promise<AttemptResult> {
  const { failures, pauseSeconds } = account?.attempts[counter] ?? { failures: 0, pauseSeconds: 0 }
  if (pauseSeconds > 0) return tooManyAttempts(pauseSeconds)

  const isCharged = account !== undefined && failures >= ATTEMPT_LIMITS.freeFailures
  if (isCharged && !(await chargeAttempt(account.id, counter, failures))) {
    // Another request charged first, and its pause is in the row.
    const { attempts } = (await findAccountById(account.id)) ?? account
    return tooManyAttempts(Math.max(1, attempts[counter].pauseSeconds))
  }

  const isCorrect = await verifyPassword(password, account?.passwordHash)
  if (isCorrect && account !== undefined) {
    if (failures > 0) await resetFailures(account.id, counter)
    return { ok: true, account }
  }
  if (!isCharged) await countFailure(account?.id, counter)
  return { ok: false, reason: 'invalid_credentials' }
}

const tooManyAttempts = (retryAfterSeconds: number) =>
  ({ ok: false, reason: 'too_many_attempts', retryAfterSeconds }) as const
