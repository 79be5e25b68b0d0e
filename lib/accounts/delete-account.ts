import type { AuthenticatedAccount } from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'

/** The dependencies of a deletion. Each function rejects only on server errors. */
export interface DeleteAccountDeps extends AttemptDeps {
  /** Deletes the row. Succeeds if the row is already gone. */
  deleteUser(id: number): Promise<void>
}

type DeleteAccountResult =
  | { readonly ok: true; readonly code: 'deleted'; readonly userId: number }
  | Extract<AttemptResult, { ok: false }>

/** Deletes the account, if the password is correct. Its name becomes free. */
export async function deleteAccount(
  account: AuthenticatedAccount,
  { password }: { readonly password: string },
  deps: DeleteAccountDeps,
): Promise<DeleteAccountResult> {
  const result = await attemptPassword({ password, account, counters: [account.counter] }, deps)
  if (!result.ok) return result
  await deps.deleteUser(account.id)
  return { ok: true, code: 'deleted', userId: account.id }
}
