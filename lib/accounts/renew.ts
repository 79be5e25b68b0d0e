import { grantToken, type TokenGranted, type TokenSignerDeps, type User } from './account.ts'
import { sidOf } from './session-tokens.ts'

/** The dependencies of a renewal. Each function rejects only on server errors. */
export interface RenewDeps extends TokenSignerDeps {
  /** Finds the user of a session that has not ended, and records that it is used. */
  useSession(digest: string): Promise<User | undefined>
}

type RenewResult =
  | TokenGranted<'renewed'>
  | { readonly ok: false; readonly reason: 'session_ended' }

/** Grants a token of the session. No password has earned it, so it is never fresh. */
export async function renew(digest: string, deps: RenewDeps): Promise<RenewResult> {
  const [user, signToken] = await Promise.all([deps.useSession(digest), deps.loadTokenSigner()])
  if (user === undefined) return { ok: false, reason: 'session_ended' }
  return grantToken('renewed', user, signToken, { sid: sidOf(digest), isRenewal: true })
}
