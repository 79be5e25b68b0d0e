import type { KeyObject, webcrypto } from 'node:crypto'
import { SignJWT } from 'jose'
import type { User } from './sign-up.ts'

/** What every token of this service shares. */
export interface TokenOptions {
  /** Time from `iat` to `exp`, in seconds. */
  readonly ttlSeconds: number
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
}

/**
 * Makes the function that signs a user's token with `key`, of at least 32 bytes: a JWT (RFC 7519) with
 * HS256 and the claims `payload: {username, id}`, `sub`, `iat`, `exp`, and `iss` and `aud` where set.
 */
export function createTokenSigner(key: KeyObject, { ttlSeconds, issuer, audience }: TokenOptions) {
  // jose would import a KeyObject anew for every token. At the first one, since WebCrypto takes 3 ms to load.
  let imported: webcrypto.CryptoKey | undefined
  return ({ id, username }: User): Promise<string> => {
    imported ??= key.toCryptoKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    const issuedAt = Math.floor(Date.now() / 1000)
    const token = new SignJWT({ payload: { username, id } })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(String(id))
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ttlSeconds)
    if (issuer !== undefined) token.setIssuer(issuer)
    if (audience !== undefined) token.setAudience(audience)
    return token.sign(imported)
  }
}
