import type { Credentials } from './credentials.ts'

/** A user as stored. */
export interface User {
  readonly id: number
  readonly username: string
}

/** What is stored of a request. */
export interface NewUser {
  readonly username: string
  readonly passwordHash: string
  /** Digest of the request's idempotency key, if it has one. */
  readonly idempotencyKeySha256: string | undefined
}

/** A user whom an earlier request has stored under the same key, and their hash. */
export interface EarlierUser extends User {
  readonly passwordHash: string
}

/** Signs a user's token. */
export type SignToken = (user: User) => Promise<string>

/** What a sign-up needs of the world. Each rejects on a fault only. */
export interface SignUpDeps {
  hashPassword(password: string): Promise<string>
  verifyPassword(password: string, passwordHash: string): Promise<boolean>
  /** Stores a user in one atomic step; `undefined` means that the name is taken. */
  insertUser(user: NewUser): Promise<User | undefined>
  /** Finds whom a request of this name and this key has stored in the last 24 hours. */
  findEarlierUser(username: string, idempotencyKeySha256: string): Promise<EarlierUser | undefined>
  /** Comes with the key that is in force now, which may have to be read first. */
  loadTokenSigner(): Promise<SignToken>
}

/** A person's credentials, and the digest of the request's idempotency key, if it has one. */
export interface SignUpRequest extends Credentials {
  readonly idempotencyKeySha256: string | undefined
}

export type SignUpResult =
  | { readonly ok: true; readonly token: string; readonly userId: number }
  | { readonly ok: false; readonly reason: 'username_taken' }

/**
 * Signs a person up: hash, store, sign. The database alone decides whether the name is free. A request
 * that was carried out before is answered again, with a new token, to whoever has its key and its password.
 */
export async function signUp(request: SignUpRequest, deps: SignUpDeps): Promise<SignUpResult> {
  // Both before the row: a user whose token cannot be signed would be told "taken" at the next try.
  const [passwordHash, signToken] = await Promise.all([
    deps.hashPassword(request.password),
    deps.loadTokenSigner(),
  ])
  const user =
    (await deps.insertUser({ ...request, passwordHash })) ?? (await findOwn(request, deps))
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
