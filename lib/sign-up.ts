import type { Credentials } from './credentials.ts'

/** A user as stored. */
export interface User {
  readonly id: number
  readonly username: string
}

/** The three things a sign-up does to the world. Each rejects on a fault only. */
export interface SignUpDeps {
  hashPassword(password: string): Promise<string>
  /** Stores a user in one atomic step; `undefined` means that somebody else has the name. */
  insertUser(username: string, passwordHash: string): Promise<User | undefined>
  signToken(user: User): Promise<string>
}

export type SignUpResult =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly reason: 'username_taken' }

/** Signs a person up: hash, store, sign. The database alone decides whether the name is free. */
export async function signUp(
  { username, password }: Credentials,
  { hashPassword, insertUser, signToken }: SignUpDeps,
): Promise<SignUpResult> {
  const user = await insertUser(username, await hashPassword(password))
  if (user === undefined) return { ok: false, reason: 'username_taken' }
  return { ok: true, token: await signToken(user) }
}
