import {
  type Account,
  type AuthenticatedAccount,
  grantToken,
  type TokenGranted,
  type TokenSignerDeps,
} from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'
import { newSession } from './session-tokens.ts'
import { foldUsername } from './usernames.ts'

/** The dependencies of a password change. Each function rejects only on server errors. */
export interface ChangePasswordDeps extends AttemptDeps, TokenSignerDeps {
  hashPassword(password: string): Promise<string>
  /**
   * Stores the hash and increments the version, if that is still the account's, and starts the session of that digest;
   * otherwise resolves with `false`. Safe to retry.
   */
  changeHash(account: Account, passwordHash: string, sessionDigest?: string): Promise<boolean>
}

/** Both passwords; the new one satisfies the rules. */
interface ChangePasswordRequest {
  readonly currentPassword: string
  readonly newPassword: string
  /** Whether to start a session. */
  readonly session: boolean
}

type ChangePasswordResult =
  | TokenGranted<'password_changed'>
  | { readonly ok: false; readonly reason: 'new_password_is_username' }
  | Extract<AttemptResult, { ok: false }>

/**
 * Changes a password, ends every session, and revokes every earlier token for this API (ASVS 7.4.3): the row gets a new
 * version, which tokens and sessions carry. Of two concurrent changes, one succeeds; the other is `account_changed`.
 */
export async function changePassword(
  account: AuthenticatedAccount,
  { currentPassword, newPassword, session: wantsSession }: ChangePasswordRequest,
  deps: ChangePasswordDeps,
): Promise<ChangePasswordResult> {
  if (foldUsername(newPassword) === foldUsername(account.username)) {
    return { ok: false, reason: 'new_password_is_username' }
  }
  const attempt = { password: currentPassword, account, counters: [account.counter] } as const
  const result = await attemptPassword(attempt, deps)
  if (!result.ok) return result

  // The signer first: without a signing key, nothing is changed.
  const signToken = await deps.loadTokenSigner()
  const passwordHash = await deps.hashPassword(newPassword)
  const session = wantsSession ? newSession() : undefined
  if (!(await deps.changeHash(account, passwordHash, session?.digest))) {
    return { ok: false, reason: 'account_changed' }
  }
  const changed = { ...account, passwordVersion: account.passwordVersion + 1 }
  return grantToken('password_changed', changed, signToken, session)
}
