import type { Account, AttemptCounter } from './account.ts'

/**
 * The limits on password guessing per account (ASVS 6.3.1). From the fifth failure in a row each attempt waits
 * for a pause that doubles, which is Cognito's curve.
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

/** What checking a password depends on. Each function rejects on faults only. */
export interface AttemptDeps {
  /** Takes as long without a hash, and then resolves with `false`. */
  verifyPassword(password: string, passwordHash: string | undefined): Promise<boolean>
  findAccountById(id: number): Promise<Account | undefined>
  /** Counts a failure. Succeeds without an account. */
  countFailure(id: number | undefined, counter: AttemptCounter): Promise<void>
  /** Counts a failure ahead of its attempt. Of concurrent calls with one number of failures, one resolves with `true`. */
  chargeAttempt(id: number, counter: AttemptCounter, failures: number): Promise<boolean>
  /** Sets the count to 0. */
  resetFailures(id: number, counter: AttemptCounter): Promise<void>
}

/** The account, if the password is right. */
export type AttemptResult =
  | { readonly ok: true; readonly account: Account }
  | { readonly ok: false; readonly reason: 'invalid_credentials' }
  | {
      readonly ok: false
      readonly reason: 'too_many_attempts'
      readonly retryAfterSeconds: number
    }

/** A password to check, on the account that was found, if any. */
export interface Attempt {
  readonly password: string
  readonly account: Account | undefined
  readonly counter: AttemptCounter
}

/**
 * Compares a password within {@link ATTEMPT_LIMITS}.
 *
 * Below the limit a wrong password is counted after the comparison, so a parallel volley is counted as a whole.
 * From the limit on the attempt is charged before it, so one attempt of a volley is compared, and the charge
 * stands whatever becomes of the request. In a pause nothing is compared or counted. Without an account the work
 * of a wrong password is done all the same, so that response times do not reveal names.
 */
export async function attemptPassword(
  { password, account, counter }: Attempt,
  { verifyPassword, findAccountById, countFailure, chargeAttempt, resetFailures }: AttemptDeps,
): Promise<AttemptResult> {
  const { failures, pauseSeconds } = account?.attempts[counter] ?? { failures: 0, pauseSeconds: 0 }
  if (pauseSeconds > 0) return wait(pauseSeconds)

  const isCharged = account !== undefined && failures >= ATTEMPT_LIMITS.freeFailures
  if (isCharged && !(await chargeAttempt(account.id, counter, failures))) {
    // Another request has won, and its pause is in the row.
    const { attempts } = (await findAccountById(account.id)) ?? account
    return wait(Math.max(1, attempts[counter].pauseSeconds))
  }

  const isRight = await verifyPassword(password, account?.passwordHash)
  if (isRight && account !== undefined) {
    if (failures > 0) await resetFailures(account.id, counter)
    return { ok: true, account }
  }
  if (!isCharged) await countFailure(account?.id, counter)
  return { ok: false, reason: 'invalid_credentials' }
}

const wait = (retryAfterSeconds: number) =>
  ({ ok: false, reason: 'too_many_attempts', retryAfterSeconds }) as const
