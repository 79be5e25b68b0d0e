/** A user as others may know them. */
export interface User {
  readonly id: number
  /** As typed at the sign-up, in NFC. */
  readonly username: string
  /** How often the password was changed; absent is 0. Tokens of another version are refused. */
  readonly passwordVersion?: number
}

/** A user to store. */
export interface NewUser {
  readonly username: string
  /** What the name is unique by: `foldUsername` of it. */
  readonly usernameKey: string
  readonly passwordHash: string
  /** SHA-256 of the request's idempotency key, if it has one. */
  readonly idempotencyKeySha256: string | undefined
}

/**
 * Who an attempt is counted with: `device` is a client that shows a token of this very account, `stranger`
 * any other. Strangers cannot make the devices of the owner wait. This is OWASP's device cookie, without a
 * cookie.
 */
export type Attempter = 'stranger' | 'device'

/** The consecutive failures of one kind of attempters. */
export interface Attempts {
  /** 0 after a success, and 24 hours after the last pause. */
  readonly failures: number
  /** Seconds that are left of the pause, rounded up; 0 if there is none. */
  readonly pauseSeconds: number
}

/** A user with what checking a password takes. */
export interface Account extends User {
  readonly passwordVersion: number
  readonly passwordHash: string
  readonly attempts: Readonly<Record<Attempter, Attempts>>
}
