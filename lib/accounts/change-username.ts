import { type Account, grantToken, type TokenGranted, type TokenSignerDeps } from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'
import { foldUsername } from './usernames.ts'

/** A new name that satisfies the rules, and the key of the former one. */
export interface UsernameChange {
  readonly id: number
  readonly formerKey: string
  readonly username: string
  readonly usernameKey: string
}

/** The dependencies of a username change. Each function rejects only on server errors. */
export interface ChangeUsernameDeps extends AttemptDeps, TokenSignerDeps {
  /**
   * Stores the name if the account still has the former one, and resolves with `changed`. Otherwise resolves with
   * `taken`, or with `superseded` if another request has changed or deleted the account. Safe to retry.
   */
  changeUsername(change: UsernameChange): Promise<'changed' | 'taken' | 'superseded'>
}

/** A new name that satisfies the rules, in NFC, with its key, and the password. */
export interface ChangeUsernameRequest {
  readonly username: string
  readonly usernameKey: string
  readonly password: string
}

type ChangeUsernameResult =
  | TokenGranted<'username_changed'>
  | { readonly ok: false; readonly reason: 'username_taken' }
  | Extract<AttemptResult, { ok: false }>

/**
 * Changes the username, if the password is correct, and grants a token with the new one. Earlier tokens stay valid
 * and carry the former name, which becomes free. Of two concurrent changes, one succeeds; the other is
 * `invalid_credentials`, and is not counted.
 */
export async function changeUsername(
  account: Account,
  { username, usernameKey, password }: ChangeUsernameRequest,
  deps: ChangeUsernameDeps,
): Promise<ChangeUsernameResult> {
  const result = await attemptPassword({ password, account, counter: 'device' }, deps)
  if (!result.ok) return result

  // The signer first: without a signing key, nothing is changed.
  const signToken = await deps.loadTokenSigner()
  const formerKey = foldUsername(account.username)
  const change = await deps.changeUsername({ id: account.id, formerKey, username, usernameKey })
  if (change === 'taken') return { ok: false, reason: 'username_taken' }
  if (change === 'superseded') return { ok: false, reason: 'invalid_credentials' }
  return grantToken('username_changed', { ...account, username }, signToken)
}
