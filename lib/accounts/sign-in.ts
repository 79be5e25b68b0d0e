import type { SignToken, TokenUser } from '../adapters/tokens.ts'
import type { Credentials } from '../http/credentials.ts'
import type { TokenGranted } from '../http/responses.ts'
import type { Account } from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'

/** What a sign-in depends on. Each function rejects on faults only. */
export interface SignInDeps extends AttemptDeps {
  /** Resolves with a signer for the key now in force, which may have to be read first. */
  loadTokenSigner(): Promise<SignToken>
  /** Whether the hash has a lower cost than new ones. */
  isOutdated(passwordHash: string): boolean
  hashPassword(password: string): Promise<string>
  /** Replaces exactly that hash; resolves with `false` if the account has another by now. */
  replaceHash(userId: number, passwordHash: string, by: string): Promise<boolean>
}

/** Credentials, and the user of the token that the request carries, if it does. */
export interface SignInRequest extends Credentials {
  readonly deviceOf: TokenUser | undefined
}

export type SignInResult = TokenGranted<'signed_in'> | Extract<AttemptResult, { ok: false }>

/** Signs a person in: find, compare, sign. An unknown name and a wrong password have the same result. */
export async function signIn(
  { deviceOf, ...credentials }: SignInRequest,
  deps: SignInDeps,
): Promise<SignInResult> {
  const [found, signToken] = await Promise.all([
    deps.findAccount(credentials.usernameKey),
    deps.loadTokenSigner(),
  ])
  const isDevice =
    found?.id === deviceOf?.userId && found?.passwordVersion === deviceOf?.passwordVersion
  const attempter = found !== undefined && isDevice ? 'device' : 'stranger'
  const result = await attemptPassword({ ...credentials, account: found, attempter }, deps)
  if (!result.ok) return result
  const { account } = result
  const rehash = await renewHash(account, credentials.password, deps)
  return {
    ok: true,
    code: 'signed_in',
    userId: account.id,
    body: { token: await signToken(account) },
    ...(rehash && { rehash }),
  }
}

/** Replaces a hash of a lower cost. What fails here is logged, and the sign-in succeeds. */
async function renewHash(
  { id, passwordHash }: Account,
  password: string,
  { isOutdated, hashPassword, replaceHash }: SignInDeps,
) {
  if (!isOutdated(passwordHash)) return undefined
  try {
    return (await replaceHash(id, passwordHash, await hashPassword(password))) ? 'done' : 'outrun'
  } catch {
    return 'failed'
  }
}
