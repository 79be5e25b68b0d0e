import type { TokenUser } from '../adapters/tokens.ts'
import type { User } from './account.ts'

/** What `me` depends on. Each function rejects on faults only. */
export interface MeDeps {
  findUser(id: number): Promise<User | undefined>
}

export type MeResult =
  | { readonly ok: true; readonly code: 'identified'; readonly userId: number; readonly body: User }
  | { readonly ok: false; readonly reason: 'token_invalid' }

/**
 * Returns the user whom a verified token names. The row decides: a token outlives a deleted user, and a
 * password that was changed.
 */
export async function me(
  { userId, passwordVersion }: TokenUser,
  { findUser }: MeDeps,
): Promise<MeResult> {
  const user = await findUser(userId)
  if (user === undefined || (user.passwordVersion ?? 0) !== passwordVersion) {
    return { ok: false, reason: 'token_invalid' }
  }
  return { ok: true, code: 'identified', userId, body: { id: user.id, username: user.username } }
}
