/** A user as the API shows it. */
export interface User {
  readonly id: number
  /** As typed at the sign-up or the last change, in NFC. */
  readonly username: string
  /** Number of password changes; absent means 0. A token of another version is rejected. */
  readonly passwordVersion?: number
}

/** A name in NFC, with the key that makes it unique: `foldUsername` of it. */
export interface KeyedUsername {
  readonly username: string
  readonly usernameKey: string
}

/** A user to store. */
export interface NewUser extends KeyedUsername {
  readonly passwordHash: string
  /** SHA-256 of the request's idempotency key, if it has one. */
  readonly idempotencyKeySha256: string | undefined
}

/**
 * The count that an attempt belongs to: `stranger` without a token of this account; with one, `fresh` if a password
 * has just earned it, otherwise `device`. Strangers cannot make the owner's devices wait (OWASP's device cookie,
 * without a cookie), and a thief of an older token cannot make the owner wait after a sign-in.
 */
export type AttemptCounter = 'stranger' | 'device' | 'fresh'

/** The consecutive failures of one counter. */
export interface Attempts {
  /** 0 after a success, and after the count lapses (`ATTEMPT_LIMITS`). */
  readonly failures: number
  /** Seconds left of the pause, rounded up; 0 outside a pause. */
  readonly pauseSeconds: number
}

/** A user with the data to check a password. */
export interface Account extends User {
  readonly passwordVersion: number
  readonly passwordHash: string
  readonly attempts: Readonly<Record<AttemptCounter, Attempts>>
}

/** An account whose token the request shows, and the count of its attempts. */
export interface AuthenticatedAccount extends Account {
  readonly counter: 'device' | 'fresh'
}

/** The user that a verified token names, and the version of the password at which it was signed. */
export interface TokenUser {
  readonly id: number
  readonly passwordVersion: number
  /** Time at which a password earned the token, in seconds since 1970; absent in tokens of earlier releases. */
  readonly authTime?: number
}

/** Signs a token for the user. */
type SignToken = (user: User) => Promise<string>

/** Resolves with a signer for the key in force, after reading the key if needed. Rejects only on server errors. */
export interface TokenSignerDeps {
  loadTokenSigner(): Promise<SignToken>
}

/** The outcome of a request that ends with a token for the user. */
export interface TokenGranted<Code extends string> {
  readonly ok: true
  readonly code: Code
  readonly userId: number
  readonly body: { readonly token: string }
}

/** Signs a token for the user, and returns the outcome with it. */
export async function grantToken<Code extends string>(
  code: Code,
  user: User,
  signToken: SignToken,
): Promise<TokenGranted<Code>> {
  return { ok: true, code, userId: user.id, body: { token: await signToken(user) } }
}
