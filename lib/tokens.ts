import { type CryptoKey, SignJWT } from 'jose'
import type { User } from './sign-up.ts'

/** What every token of this service shares. */
export interface TokenOptions {
  /** Time from `iat` to `exp`, in seconds. */
  readonly ttlSeconds: number
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
}

/**
 * Signs a user's token: a JWT (RFC 7519) with HS256 and the claims `payload: {username, id}`, `sub`, `iat`,
 * `exp`, and `iss` and `aud` where set. `key` comes from `signing-key.ts`, which checks its length.
 */
export function signToken(
  { id, username }: User,
  key: CryptoKey,
  { ttlSeconds, issuer, audience }: TokenOptions,
): Promise<string> {
  const issuedAt = Math.floor(Date.now() / 1000)
  const token = new SignJWT({ payload: { username, id } })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(String(id))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
  if (issuer !== undefined) token.setIssuer(issuer)
  if (audience !== undefined) token.setAudience(audience)
  return token.sign(key)
}
