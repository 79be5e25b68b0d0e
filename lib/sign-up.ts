import type { Credentials } from './credentials.ts'

/** A user as stored. */
export interface User {
  readonly id: number
  readonly username: string
}

/** Signs a user's token. */
export type SignToken = (user: User) => Promise<string>

/** The three things a sign-up needs of the world. Each rejects on a fault only. */
export interface SignUpDeps {
  hashPassword(password: string): Promise<string>
  /** Stores a user in one atomic step; `undefined` means that somebody else has the name. */
  insertUser(username: string, passwordHash: string): Promise<User | undefined>
  /** Comes with the key that is in force now, which may have to be read first. */
  loadTokenSigner(): Promise<SignToken>
}

export type SignUpResult =
  | { readonly ok: true; readonly token: string; readonly userId: number }
  | { readonly ok: false; readonly reason: 'username_taken' }

/** Signs a person up: hash, store, sign. The database alone decides whether the name is free. */
export async function signUp(
  { username, password }: Credentials,
  { hashPassword, insertUser, loadTokenSigner }: SignUpDeps,
): Promise<SignUpResult> {
  // Both before the row: a user whose token cannot be signed would be told "taken" at the next try.
  const [passwordHash, signToken] = await Promise.all([hashPassword(password), loadTokenSigner()])
  const user = await insertUser(username, passwordHash)
  if (user === undefined) return { ok: false, reason: 'username_taken' }
  return { ok: true, token: await signToken(user), userId: user.id }
}
