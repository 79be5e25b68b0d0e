import {
  type Account,
  grantToken,
  type KeyedUsername,
  type TokenGranted,
  type TokenSignerDeps,
  type TokenUser,
} from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'

/** The dependencies of a sign-in. Each function rejects only on server errors. */
export interface SignInDeps extends AttemptDeps, TokenSignerDeps {
  /** Finds the account of a name in any form. */
  findAccount(name: KeyedUsername): Promise<Account | undefined>
  /** Returns whether the hash has a lower cost factor than new ones. */
  isOutdated(passwordHash: string): boolean
  hashPassword(password: string): Promise<string>
  /** Replaces exactly that hash; resolves with `false` if the account has another now. */
  replaceHash(id: number, passwordHash: string, newHash: string): Promise<boolean>
}

/** Credentials, and the user of the request's token, if it has one. */
interface SignInRequest extends KeyedUsername {
  readonly password: string
  readonly tokenUser: TokenUser | undefined
}

type SignInResult =
  | (TokenGranted<'signed_in'> & {
      /** The result of replacing a hash of a lower cost factor; `superseded` if another request changed it. */
      readonly rehash?: 'done' | 'superseded' | 'failed'
    })
  | Extract<AttemptResult, { ok: false }>

/**
 * Signs a user in: find, compare, sign. An unknown name and a wrong password have the same result. A device whose
 * count pauses is a stranger: it could leave its token out, and a thief of the token must not lock it out.
 */
export async function signIn(
  { password, tokenUser, ...name }: SignInRequest,
  deps: SignInDeps,
): Promise<SignInResult> {
  const [found, signToken] = await Promise.all([deps.findAccount(name), deps.loadTokenSigner()])
  const isDevice =
    found !== undefined &&
    found.id === tokenUser?.id &&
    found.passwordVersion === tokenUser.passwordVersion
  const counters = isDevice ? (['device', 'stranger'] as const) : (['stranger'] as const)
  const result = await attemptPassword({ password, account: found, counters }, deps)
  if (!result.ok) return result
  const rehash = await renewHash(result.account, password, deps)
  const granted = await grantToken('signed_in', result.account, signToken)
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
