import { createHash, randomBytes } from 'node:crypto'
import type { Account } from './account.ts'

/** The session that a token belongs to. */
export interface TokenSession {
  /** 16 hexadecimal digits of the digest: the claim `sid` (OpenID Connect Front-Channel Logout, section 3). */
  readonly sid: string
}

/** A session to start. */
export interface NewSession extends TokenSession {
  /** What the client keeps: see {@link SESSION_TOKEN}. */
  readonly sessionToken: string
  /** What the database stores: the SHA-256 as 64 hexadecimal digits. */
  readonly digest: string
}

/** The dependency of what starts a session of an account. It rejects only on server errors. */
export interface OpenSessionDeps {
  /**
   * Starts a session, and ends the previous one if that is the account's. Resolves with `false` if the account has
   * another password now. Safe to retry.
   */
  openSession(account: Account, digest: string, previousDigest?: string): Promise<boolean>
}

/** A session token: 256 random bits in base64url. Secret scanners find it by its prefix. */
export const SESSION_TOKEN = /^lks_[\w-]{43}$/

/** Makes the token of a new session. */
export function newSession(): NewSession {
  const sessionToken = `lks_${randomBytes(32).toString('base64url')}`
  const digest = sessionDigest(sessionToken)
  return { sessionToken, digest, sid: sidOf(digest) }
}

/** Returns the digest by which a session is found. */
export const sessionDigest = (sessionToken: string) =>
  createHash('sha256').update(sessionToken).digest('hex')

/** Returns the `sid` of a session's tokens. */
export const sidOf = (digest: string) => digest.slice(0, 16)
