/** Reasons a body is rejected before its content is read. */
export type BodyRejection = 'body_missing' | 'body_too_large' | 'body_not_utf8' | 'body_not_json'

/** A parsed body of unknown shape, or the reason it is rejected. */
type BodyResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: BodyRejection }

/** The two fields of a proxy event (payload format 2.0) that carry the body. */
interface EventBody {
  readonly body?: string | null | undefined
  readonly isBase64Encoded?: boolean | undefined
}

/** Maximum size of a body, in bytes as the client sent them: 16 KiB. */
export const BODY_MAX_BYTES = 16 * 1024

/** Four base64 characters carry three bytes. */
const BASE64_MAX_LENGTH = Math.ceil(BODY_MAX_BYTES / 3) * 4

const reject = (reason: BodyRejection) => ({ ok: false, reason }) as const

/**
 * Reads the event's body as JSON. Never throws: the message of a `SyntaxError` quotes the body, which holds
 * a password.
 */
export function readJsonBody({ body, isBase64Encoded }: EventBody): BodyResult {
  if (typeof body !== 'string' || body === '') return reject('body_missing')

  const text = isBase64Encoded ? decodeBase64(body) : boundText(body)
  if (typeof text !== 'string') return text

  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return reject('body_not_json')
  }
}

function boundText(body: string) {
  return Buffer.byteLength(body) > BODY_MAX_BYTES ? reject('body_too_large') : body
}

/** API Gateway encodes every body whose content type it does not treat as text, or that has none. */
function decodeBase64(body: string) {
  // Checked before decoding, so that a large body costs only this comparison.
  if (body.length > BASE64_MAX_LENGTH) return reject('body_too_large')
  const bytes = Buffer.from(body, 'base64')
  if (bytes.length > BODY_MAX_BYTES) return reject('body_too_large')
  // Buffer.from skips characters that are not base64; only a valid encoding survives the round trip.
  if (bytes.toString('base64') !== body) return reject('body_not_utf8')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return reject('body_not_utf8')
  }
}
