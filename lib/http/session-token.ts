import { SESSION_TOKEN, sessionDigest } from '../accounts/session-tokens.ts'
import { readBearerToken } from './bearer-token.ts'

/** Reasons a request shows no session. */
export type SessionTokenRejection = 'session_missing' | 'session_malformed'

/** The digest of the request's session token, or the reason it is rejected. */
type SessionTokenResult =
  | { readonly ok: true; readonly digest: string }
  | { readonly ok: false; readonly reason: SessionTokenRejection }

/** Reads the header `Authorization: Bearer <session token>`. The commonest mistake is to send the JWT. */
export function readSessionToken(
  headers: Readonly<Record<string, string | undefined>> | undefined,
): SessionTokenResult {
  const bearer = readBearerToken(headers)
  if (!bearer.ok) return { ok: false, reason: 'session_missing' }
  if (!SESSION_TOKEN.test(bearer.token)) return { ok: false, reason: 'session_malformed' }
  return { ok: true, digest: sessionDigest(bearer.token) }
}
