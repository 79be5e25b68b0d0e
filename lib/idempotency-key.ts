import { createHash } from 'node:crypto'

/** Why a key cannot be used. */
export type IdempotencyKeyRefusal = 'idempotency_key_malformed'

/** The digest of a request's key, nothing if it has none, or the reason why the key cannot be used. */
export type IdempotencyKeyResult =
  | { readonly ok: true; readonly sha256: string | undefined }
  | { readonly ok: false; readonly reason: IdempotencyKeyRefusal }

/** A key's length in characters: below 16 it could be guessed, above 255 it is no key. */
export const IDEMPOTENCY_KEY_LENGTH = { least: 16, most: 255 } as const

/** Visible ASCII, quotes included: the IETF draft's quoted string and a bare key are both taken as they stand. */
const VISIBLE = /^[\x21-\x7e]*$/

/**
 * Reads the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), by which a client marks a
 * request that it may send again. What is kept is a SHA-256 in 64 hexadecimal digits, since the key is as
 * good as a password to one account for a day. API Gateway writes names of headers in lower case.
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
