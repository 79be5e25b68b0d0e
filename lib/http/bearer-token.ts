/** The text of a request's token, not yet verified. */
type BearerTokenResult =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly reason: 'token_missing' }

/**
 * Reads the header `Authorization: Bearer <token>` (RFC 6750, section 2.1). The scheme's letter case does not
 * matter (RFC 9110, section 11.1). API Gateway lower-cases header names, and joins two headers with a comma,
 * which no token has.
 */
export function readBearerToken(
  headers: Readonly<Record<string, string | undefined>> | undefined,
): BearerTokenResult {
  const value: unknown = headers?.['authorization']
  const match = typeof value === 'string' && /^bearer(?: +(.*))?$/is.exec(value)
  return match ? { ok: true, token: match[1] ?? '' } : { ok: false, reason: 'token_missing' }
}
