import { createHash } from 'node:crypto'

/** Reason a key is rejected. */
export type IdempotencyKeyRejection = 'idempotency_key_malformed'

/** The digest of the request's key, `undefined` if it has none, or the reason the key is rejected. */
type IdempotencyKeyResult =
  | { readonly ok: true; readonly sha256: string | undefined }
  | { readonly ok: false; readonly reason: IdempotencyKeyRejection }

/** Limits of a key's length in characters. A shorter key could be guessed. */
export const IDEMPOTENCY_KEY_LENGTH = { least: 16, most: 255 } as const

/** Visible ASCII, quotes included, so both a bare key and the IETF draft's quoted string are accepted. */
const VISIBLE = /^[\x21-\x7e]*$/

/**
 * Reads the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), which marks a request that
 * the client may retry. Returns its SHA-256 as 64 hexadecimal digits, and not the key: for 24 hours the key and the
 * password open an account. API Gateway lower-cases header names.
 */
export function readIdempotencyKey(
  headers: Readonly<Record<string, string | undefined>> | undefined,
): IdempotencyKeyResult {
  const key: unknown = headers?.['idempotency-key']
  if (key === undefined) return { ok: true, sha256: undefined }
  const { least, most } = IDEMPOTENCY_KEY_LENGTH
  if (typeof key !== 'string' || !VISIBLE.test(key) || key.length < least || key.length > most) {
    return { ok: false, reason: 'idempotency_key_malformed' }
  }
  return { ok: true, sha256: createHash('sha256').update(key).digest('hex') }
}
