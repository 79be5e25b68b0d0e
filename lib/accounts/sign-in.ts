import {
  type Account,
  grantToken,
  type KeyedUsername,
  type TokenGranted,
  type TokenSignerDeps,
  type TokenUser,
} from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'
import { newSession, type OpenSessionDeps } from './session-tokens.ts'
import type { SignOutDeps } from './sign-out.ts'

/** The dependencies of a sign-in. Each function rejects only on server errors. */
export interface SignInDeps extends AttemptDeps, OpenSessionDeps, SignOutDeps, TokenSignerDeps {
  /** Finds the account of a name in any form, and whether the session with that digest is one of its own. */
  findAccount(name: KeyedUsername, sessionDigest?: string): Promise<Account | undefined>
  /** Returns whether the hash has a lower cost factor than new ones. */
  isOutdated(passwordHash: string): boolean
  hashPassword(password: string): Promise<string>
  /** Replaces exactly that hash; resolves with `false` if the account has another now. */
  replaceHash(id: number, passwordHash: string, newHash: string): Promise<boolean>
}

/** Credentials, and what the request shows of an earlier sign-in: the user of its token, or a session's digest. */
interface SignInRequest extends KeyedUsername {
  readonly password: string
  /** Whether to start a session. */
  readonly session: boolean
  readonly tokenUser: TokenUser | undefined
  readonly shownDigest: string | undefined
}

type SignInResult =
  | (TokenGranted<'signed_in'> & {
      /** The result of replacing a hash of a lower cost factor; `superseded` if another request changed it. */
      readonly rehash?: 'done' | 'superseded' | 'failed'
    })
  | Extract<AttemptResult, { ok: false }>

/**
 * Signs a user in: find, compare, sign. An unknown name and a wrong password have the same result. A device whose
 * count pauses is a stranger: it could leave its token out, and a thief of the token must not lock it out. The session
 * that the request shows ends (ASVS 7.2.4).
 */
export async function signIn(
  { password, session: wantsSession, tokenUser, shownDigest, ...name }: SignInRequest,
  deps: SignInDeps,
): Promise<SignInResult> {
  const [found, signToken] = await Promise.all([
    deps.findAccount(name, shownDigest),
    deps.loadTokenSigner(),
  ])
  const hasToken =
    found !== undefined &&
    found.id === tokenUser?.id &&
    found.passwordVersion === tokenUser.passwordVersion
  const isDevice = hasToken || found?.hasShownSession
  const counters = isDevice ? (['device', 'stranger'] as const) : (['stranger'] as const)
  const result = await attemptPassword({ password, account: found, counters }, deps)
  if (!result.ok) return result
  const rehash = await renewHash(result.account, password, deps)
  const session = wantsSession ? newSession() : undefined
  if (session) {
    const isOpen = await deps.openSession(result.account, session.digest, shownDigest)
    if (!isOpen) return { ok: false, reason: 'account_changed', userId: result.account.id }
  } else if (found?.hasShownSession && shownDigest) await deps.endSession(shownDigest)
  const granted = await grantToken('signed_in', result.account, signToken, session)
  return rehash === undefined ? granted : { ...granted, rehash }
}

/** Replaces a hash of a lower cost factor. A failure is logged, and the sign-in still succeeds. */
async function renewHash(
  { id, passwordHash }: Account,
  password: string,
  { isOutdated, hashPassword, replaceHash }: SignInDeps,
) {
  if (!isOutdated(passwordHash)) return undefined
  try {
    const isReplaced = await replaceHash(id, passwordHash, await hashPassword(password))
    return isReplaced ? 'done' : 'superseded'
  } catch {
    return 'failed'
  }
}
