import type { TokenUser } from '../adapters/tokens.ts'
import type { Account } from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'
import { foldUsername } from './usernames.ts'

/** What a deletion depends on. Each function rejects on faults only. */
export interface DeleteAccountDeps extends AttemptDeps {
  findAccountById(id: number): Promise<Account | undefined>
  /** Deletes the row. That there is none, perhaps because this is a retry, is no error. */
  deleteUser(id: number): Promise<void>
}

export type DeleteAccountResult =
  | { readonly ok: true; readonly code: 'deleted'; readonly userId: number }
  | { readonly ok: false; readonly reason: 'token_invalid' }
  | Extract<AttemptResult, { ok: false }>

/** Deletes the account of a verified token, with its password. The name is free from then on. */
export async function deleteAccount(
  { user, password }: { readonly user: TokenUser; readonly password: string },
  deps: DeleteAccountDeps,
): Promise<DeleteAccountResult> {
  const account = await deps.findAccountById(user.userId)
  if (account?.passwordVersion !== user.passwordVersion) {
    return { ok: false, reason: 'token_invalid' }
  }
  const usernameKey = foldUsername(account.username)
  const attempt = { usernameKey, password, account, attempter: 'device' } as const
  const result = await attemptPassword(attempt, deps)
  if (!result.ok) return result
  await deps.deleteUser(account.id)
  return { ok: true, code: 'deleted', userId: account.id }
}
