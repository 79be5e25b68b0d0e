import type { Account, Attempter } from './account.ts'

/** Failures in a row after which each further attempt waits. */
export const FREE_FAILURES = 5

/** What checking a password depends on. Each function rejects on faults only. */
export interface AttemptDeps {
  /** Without a hash it takes as long, and resolves with `false`. */
  verifyPassword(password: string, passwordHash: string | undefined): Promise<boolean>
  /** Finds the account of a name by its key. */
  findAccount(usernameKey: string): Promise<Account | undefined>
  /** Counts a failure. A key without an account is no error. */
  countFailure(usernameKey: string, attempter: Attempter): Promise<void>
  /** Counts a failure ahead of its attempt. Of several at once with one number of failures, one resolves with `true`. */
  chargeAttempt(userId: number, attempter: Attempter, failures: number): Promise<boolean>
  /** Sets the count to 0. */
  endFailures(userId: number, attempter: Attempter): Promise<void>
}

export type AttemptResult =
  | { readonly ok: true; readonly account: Account }
  | { readonly ok: false; readonly reason: 'invalid_credentials' }
  | {
      readonly ok: false
      readonly reason: 'too_many_attempts'
      readonly retryAfterSeconds: number
    }

/** What is tried, on the account that was found under the name, if any. */
export interface Attempt {
  readonly usernameKey: string
  readonly password: string
  readonly account: Account | undefined
  readonly attempter: Attempter
}

/**
 * Compares a password, and limits guessing by account (ASVS 6.3.1; the curve is that of Cognito).
 *
 * A wrong password on an account with fewer than five failures is counted after the comparison, so none of a
 * parallel volley is lost. With five or more the attempt is charged before it, so of a volley one is compared,
 * and the charge stands whatever becomes of the request. In a pause nothing is compared or counted.
 * Without an account a wrong password's work is done all the same, so that time does not tell names apart.
 */
export async function attemptPassword(
  { usernameKey, password, account, attempter }: Attempt,
  { verifyPassword, findAccount, countFailure, chargeAttempt, endFailures }: AttemptDeps,
): Promise<AttemptResult> {
  const { failures, pauseSeconds } = account?.attempts[attempter] ?? {
    failures: 0,
    pauseSeconds: 0,
  }
  if (pauseSeconds > 0) return wait(pauseSeconds)

  const isCharged = account !== undefined && failures >= FREE_FAILURES
  if (isCharged && !(await chargeAttempt(account.id, attempter, failures))) {
    // Another request has won, and its pause is in the row.
    const { attempts } = (await findAccount(usernameKey)) ?? account
    return wait(Math.max(1, attempts[attempter].pauseSeconds))
  }

  const isRight = await verifyPassword(password, account?.passwordHash)
  if (isRight && account !== undefined) {
    if (failures > 0) await endFailures(account.id, attempter)
    return { ok: true, account }
  }
  if (!isCharged) await countFailure(usernameKey, attempter)
  return { ok: false, reason: 'invalid_credentials' }
}

const wait = (retryAfterSeconds: number) =>
  ({ ok: false, reason: 'too_many_attempts', retryAfterSeconds }) as const
