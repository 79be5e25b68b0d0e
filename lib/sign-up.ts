import type { Credentials } from './credentials.ts'

/** A user as stored. */
export interface User {
  readonly id: number
  readonly username: string
}

/** A user to store. */
export interface NewUser {
  readonly username: string
  readonly passwordHash: string
  /** SHA-256 of the request's idempotency key, if it has one. */
  readonly idempotencyKeySha256: string | undefined
}

/** A user stored by an earlier request with the same key, and their password hash. */
export interface EarlierUser extends User {
  readonly passwordHash: string
}

/** Signs a user's token. */
export type SignToken = (user: User) => Promise<string>

/** What a sign-up depends on. Each function rejects on faults only. */
export interface SignUpDeps {
  hashPassword(password: string): Promise<string>
  verifyPassword(password: string, passwordHash: string): Promise<boolean>
  /** Stores a user atomically; `undefined` means that the name is taken. */
  insertUser(user: NewUser): Promise<User | undefined>
  /** Finds the user that a request with this name and key stored in the last 24 hours. */
  findEarlierUser(username: string, idempotencyKeySha256: string): Promise<EarlierUser | undefined>
  /** Resolves with a signer for the key now in force, which may have to be read first. */
  loadTokenSigner(): Promise<SignToken>
}

/** Valid credentials, and the SHA-256 of the request's idempotency key, if it has one. */
export interface SignUpRequest extends Credentials {
  readonly idempotencyKeySha256: string | undefined
}

export type SignUpResult =
  | { readonly ok: true; readonly token: string; readonly userId: number }
  | { readonly ok: false; readonly reason: 'username_taken' }

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
  const user = (await deps.insertUser({ ...named, passwordHash })) ?? (await findOwn(request, deps))
  if (user === undefined) return { ok: false, reason: 'username_taken' }
  return { ok: true, token: await signToken(user), userId: user.id }
}

async function findOwn(
  { username, password, idempotencyKeySha256 }: SignUpRequest,
  { findEarlierUser, verifyPassword }: SignUpDeps,
): Promise<User | undefined> {
  if (idempotencyKeySha256 === undefined) return undefined
  const earlier = await findEarlierUser(username, idempotencyKeySha256)
  if (earlier === undefined || !(await verifyPassword(password, earlier.passwordHash)))
    return undefined
  return { id: earlier.id, username: earlier.username }
}
