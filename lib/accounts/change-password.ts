import type { SignToken, TokenUser } from '../adapters/tokens.ts'
import type { TokenGranted } from '../http/responses.ts'
import type { Account } from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'
import { foldUsername } from './usernames.ts'

/** What a change of the password depends on. Each function rejects on faults only. */
export interface ChangePasswordDeps extends AttemptDeps {
  findAccountById(id: number): Promise<Account | undefined>
  hashPassword(password: string): Promise<string>
  /**
   * Stores the hash and adds one to the version, if the version is still that one; otherwise `false`. Right
   * also when it is retried after a lost response.
   */
  changeHash(userId: number, passwordVersion: number, passwordHash: string): Promise<boolean>
  /** Resolves with a signer for the key now in force, which may have to be read first. */
  loadTokenSigner(): Promise<SignToken>
}

/** The user of the request's token, and both passwords; the new one keeps the rules. */
export interface ChangePasswordRequest {
  readonly user: TokenUser
  readonly currentPassword: string
  readonly newPassword: string
}

export type ChangePasswordResult =
  | TokenGranted<'password_changed'>
  | { readonly ok: false; readonly reason: 'token_invalid' | 'new_password_is_username' }
  | Extract<AttemptResult, { ok: false }>

/**
 * Changes a password, and ends every token from before here (ASVS 7.4.3): the row gets another version. Of two
 * changes at once one wins, and the other is `invalid_credentials` without being counted.
 */
export async function changePassword(
  { user, currentPassword, newPassword }: ChangePasswordRequest,
  deps: ChangePasswordDeps,
): Promise<ChangePasswordResult> {
  const [found, signToken] = await Promise.all([
    deps.findAccountById(user.userId),
    deps.loadTokenSigner(),
  ])
  if (found?.passwordVersion !== user.passwordVersion) return { ok: false, reason: 'token_invalid' }
  const usernameKey = foldUsername(found.username)
  if (foldUsername(newPassword) === usernameKey) {
    return { ok: false, reason: 'new_password_is_username' }
  }
  const attempt = { usernameKey, password: currentPassword, account: found } as const
  // A token of the account came with the request, so no stranger can stand in the way.
  const result = await attemptPassword({ ...attempt, attempter: 'device' }, deps)
  if (!result.ok) return result

  const passwordHash = await deps.hashPassword(newPassword)
  if (!(await deps.changeHash(found.id, found.passwordVersion, passwordHash))) {
    return { ok: false, reason: 'invalid_credentials' }
  }
  const changed = { ...found, passwordVersion: found.passwordVersion + 1 }
  return {
    ok: true,
    code: 'password_changed',
    userId: found.id,
    body: { token: await signToken(changed) },
  }
}
