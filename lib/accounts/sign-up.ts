import type { SignToken } from '../adapters/tokens.ts'
import type { NewCredentials } from '../http/credentials.ts'
import type { TokenGranted } from '../http/responses.ts'
import type { Account, NewUser, User } from './account.ts'
import { type AttemptDeps, type AttemptResult, attemptPassword } from './attempts.ts'

/** What a sign-up depends on. Each function rejects on faults only. */
export interface SignUpDeps extends AttemptDeps {
  hashPassword(password: string): Promise<string>
  /** Stores a user atomically; `undefined` means that the name is taken. */
  insertUser(user: NewUser): Promise<User | undefined>
  /** Finds the account that a request with exactly this name and key made in the last 24 hours. */
  findEarlier(request: SignUpRequest): Promise<Account | undefined>
  /** Resolves with a signer for the key now in force, which may have to be read first. */
  loadTokenSigner(): Promise<SignToken>
}

/** Valid credentials, and the SHA-256 of the request's idempotency key, if it has one. */
export interface SignUpRequest extends NewCredentials {
  readonly idempotencyKeySha256: string | undefined
}

export type SignUpResult =
  | TokenGranted<'created'>
  | { readonly ok: false; readonly reason: 'username_taken' }
  | Extract<AttemptResult, { reason: 'too_many_attempts' }>

/**
 * Signs a person up: hash, store, sign. The database alone decides whether the name is free. A replay, which
 * is a request with the name, key and password of an earlier one, succeeds again with a new token.
 */
export async function signUp(request: SignUpRequest, deps: SignUpDeps): Promise<SignUpResult> {
  const { password, ...named } = request
  // Both before the row is stored: without a key to sign with, the client's retry would find the name taken.
  const [passwordHash, signToken] = await Promise.all([
    deps.hashPassword(password),
    deps.loadTokenSigner(),
  ])
  const granted = async (user: User) =>
    ({
      ok: true,
      code: 'created',
      userId: user.id,
      body: { token: await signToken(user) },
    }) as const

  const user = await deps.insertUser({ ...named, passwordHash })
  if (user !== undefined) return granted(user)
  if (request.idempotencyKeySha256 === undefined) return TAKEN
  const account = await deps.findEarlier(request)
  if (account === undefined) return TAKEN
  // Else somebody who knows the key could guess without a limit.
  const result = await attemptPassword({ ...request, account, attempter: 'stranger' }, deps)
  if (result.ok) return granted(account)
  return result.reason === 'too_many_attempts' ? result : TAKEN
}

const TAKEN = { ok: false, reason: 'username_taken' } as const
