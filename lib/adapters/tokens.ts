import { errors, jwtVerify, SignJWT } from 'jose'
import type { TokenUser, User } from '../accounts/account.ts'
import type { TokenSession } from '../accounts/session-tokens.ts'
import type { Keys } from './key-ring.ts'
import type { SigningKey } from './signing-key.ts'

/** Reasons a token is rejected. */
export type TokenRejection = 'token_expired' | 'token_invalid'

/** The user that a token names, or the reason the token is rejected. */
export type TokenResult =
  | { readonly ok: true; readonly user: TokenUser }
  | { readonly ok: false; readonly reason: TokenRejection }

/** The claims that every token of this service shares. */
export interface TokenOptions {
  /** Time from `iat` to `exp`, in seconds. */
  readonly ttlSeconds: number
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
}

/**
 * Signs the token that a password has just earned: a JWT (RFC 7519) with the key's algorithm and the claims
 * `payload: {username, id}`, `sub`, `iat`, `exp`, `auth_time` (OpenID Connect Core, section 2), `password_version`
 * where it is above 0, `sid` where it belongs to a session, and `iss` and `aud` where set. That of a renewal has no
 * `auth_time`. With RS256 it has `kid`, and the claim `preferred_username` (section 5.1): API Gateway passes claims on as
 * text, and does not document how it passes an object.
 */
export function signToken(
  { id, username, passwordVersion = 0 }: User,
  { algorithm, sign, publicJwk }: SigningKey,
  { ttlSeconds, issuer, audience }: TokenOptions,
  { sid, isRenewal = false }: Partial<TokenSession> & { readonly isRenewal?: boolean } = {},
): Promise<string> {
  const issuedAt = Math.floor(Date.now() / 1000)
  const token = new SignJWT({
    payload: { username, id },
    ...(!isRenewal && { auth_time: issuedAt }),
    ...(sid !== undefined && { sid }),
    ...(passwordVersion > 0 && { password_version: passwordVersion }),
    ...(publicJwk && { preferred_username: username }),
  })
    .setProtectedHeader({
      alg: algorithm,
      typ: 'JWT',
      ...(publicJwk && { kid: publicJwk.kid }),
    })
    .setSubject(String(id))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
  if (issuer !== undefined) token.setIssuer(issuer)
  if (audience !== undefined) token.setAudience(audience)
  return token.sign(sign)
}

const SID = /^[\da-f]{16}$/

/** RFC 7515, section 7.1. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Verifies a token of this service: the signature by each key in turn, with that key's algorithm only; `sub` and
 * `exp`; and `iss` and `aud` where set (RFC 8725). The token may have expired up to `expiredSeconds` ago. Resolves
 * with `undefined` if no key verifies the signature. Never rejects because of the token's content.
 */
export async function verifyToken(
  token: string,
  keys: Keys,
  options: TokenOptions,
  expiredSeconds = 0,
): Promise<TokenResult | undefined> {
  // Decoders of base64url skip other characters, such as white space.
  if (!COMPACT_JWS.test(token)) return { ok: false, reason: 'token_invalid' }
  for (const key of keys) {
    // Tokens signed before a change of the algorithm have the previous issuer and audience.
    const isCurrent = key.algorithm === keys[0].algorithm
    const { issuer, audience }: Partial<TokenOptions> = isCurrent ? options : {}
    try {
      const { payload } = await jwtVerify(token, key.verify, {
        algorithms: [key.algorithm],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: expiredSeconds,
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
      })
      const id = Number(payload.sub)
      const isId = String(id) === payload.sub && Number.isSafeInteger(id) && id > 0
      const { password_version: passwordVersion = 0, auth_time: authTime, sid } = payload
      const isSession = sid === undefined || (typeof sid === 'string' && SID.test(sid))
      if (!isId || !isSession || typeof passwordVersion !== 'number') {
        return { ok: false, reason: 'token_invalid' }
      }
      const claims = {
        ...(typeof authTime === 'number' && { authTime }),
        ...(sid !== undefined && { sid }),
      }
      return { ok: true, user: { id, passwordVersion, ...claims } }
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue
      if (error instanceof errors.JOSEAlgNotAllowed) continue
      if (error instanceof errors.JWTExpired) return { ok: false, reason: 'token_expired' }
      if (error instanceof errors.JOSEError) return { ok: false, reason: 'token_invalid' }
      throw error
    }
  }
  return undefined
}
