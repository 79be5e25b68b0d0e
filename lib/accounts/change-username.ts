import {
  type Account,
  type AuthenticatedAccount,
  grantToken,
  type KeyedUsername,
  type TokenGranted,
  type TokenSignerDeps,
} from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'

/** The dependencies of a username change. Each function rejects only on server errors. */
export interface ChangeUsernameDeps extends AttemptDeps, TokenSignerDeps {
  /**
   * Stores the name if the account still has the same name and password, and resolves with `changed`. Otherwise
   * resolves with `taken`, or with `superseded` if another request has changed or deleted the account. Safe to
   * retry, unless other requests change the name and change it back meanwhile.
   */
  changeUsername(
    account: Account,
    change: KeyedUsername,
  ): Promise<'changed' | 'taken' | 'superseded'>
}

type ChangeUsernameResult =
  | TokenGranted<'username_changed'>
  | { readonly ok: false; readonly reason: 'username_taken' }
  | Extract<AttemptResult, { ok: false }>

/**
 * Changes the username, if the password is correct, and grants a token with the new one. Earlier tokens stay valid
 * and carry the former name, which becomes free. Of two concurrent changes, one succeeds; the other is
 * `account_changed`.
 */
export async function changeUsername(
  account: AuthenticatedAccount,
  { password, ...name }: KeyedUsername & { readonly password: string },
  deps: ChangeUsernameDeps,
): Promise<ChangeUsernameResult> {
  const result = await attemptPassword({ password, account, counters: [account.counter] }, deps)
  if (!result.ok) return result

  // The signer first: without a signing key, nothing is changed.
  const signToken = await deps.loadTokenSigner()
  const change = await deps.changeUsername(account, name)
  if (change === 'taken') return { ok: false, reason: 'username_taken' }
  if (change === 'superseded') return { ok: false, reason: 'account_changed' }
  const changed = { ...account, username: name.username }
  return grantToken('username_changed', changed, signToken, account.session)
}
