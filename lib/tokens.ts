import { createSecretKey } from 'node:crypto'
import { SignJWT } from 'jose'
import type { User } from './sign-up.ts'

/** What every token of this service shares. */
export interface TokenOptions {
  /** At least 32 bytes of UTF-8: `readConfig` sees to it, jose would sign with a single byte. */
  readonly secret: string
  /** Time from `iat` to `exp`, in seconds. */
  readonly ttlSeconds: number
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
}

/**
 * Makes the function that signs a user's token: a JWT (RFC 7519) with HS256 and the claims
 * `payload: {username, id}`, `sub`, `iat`, `exp`, and `iss` and `aud` where they are set.
 */
export function createTokenSigner({ secret, ttlSeconds, issuer, audience }: TokenOptions) {
  const key = createSecretKey(secret, 'utf8')

  return ({ id, username }: User): Promise<string> => {
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
}
