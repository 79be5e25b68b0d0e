import type { CryptoKey } from 'jose'

/** RFC 7518, section 3.2: an HS256 key is at least as long as the hash's output, 256 bits. */
export const JWT_SECRET_MIN_BYTES = 32

/** Whether `secret` is long enough to sign with. jose itself would accept a single byte. */
export const isLongEnough = (secret: string) => Buffer.byteLength(secret) >= JWT_SECRET_MIN_BYTES

/** There is no signing key. `cause` is what the read threw, if it was the read that failed. */
export class SigningKeyError extends Error {
  override name = 'SigningKeyError'
}

/** Resolves with the key to sign with, imported for HS256: the same object as long as it is in force. */
export type LoadKey = () => Promise<CryptoKey>

/** A key that is known at the start. */
export function fixedKey(secret: string): LoadKey {
  const key = importKey(secret)
  return () => key
}

/** Where a stored key comes from, and how long it is kept. */
export interface StoredKeyOptions {
  /** Reads the secret. It must settle: as long as it is pending, nothing else is tried. */
  readonly read: () => Promise<string>
  /** Age in milliseconds at which the key is read again, so that a rotated one is picked up. */
  readonly refreshAfterMilliseconds: number
  /** A clock in milliseconds. */
  readonly now?: () => number
}

/**
 * A key that is read at the first call, kept, and read again when it has aged. Nobody waits for that
 * second read or fails by it: the kept key signs until a new one has been read. A first read that fails
 * rejects with a {@link SigningKeyError}, and the next call reads again.
 */
export function storedKey({
  read,
  refreshAfterMilliseconds,
  now = Date.now,
}: StoredKeyOptions): LoadKey {
  let kept: CryptoKey | undefined
  let reading: Promise<CryptoKey> | undefined
  let readAt = 0

  async function readKey(): Promise<CryptoKey> {
    // Set even if the read fails, so that an outage does not cause a read for every request.
    readAt = now()
    try {
      kept = await toKey(await read())
      return kept
    } catch (error) {
      if (error instanceof SigningKeyError) throw error
      throw new SigningKeyError('The secret of JWT_SECRET_ARN cannot be read.', { cause: error })
    } finally {
      reading = undefined
    }
  }

  return () => {
    if (kept === undefined) {
      reading ??= readKey()
      return reading
    }
    if (now() - readAt >= refreshAfterMilliseconds && reading === undefined) {
      reading = readKey()
      reading.catch(() => {}) // The kept key stays in force.
    }
    return Promise.resolve(kept)
  }
}

function toKey(secret: string): Promise<CryptoKey> {
  if (isLongEnough(secret)) return importKey(secret)
  throw new SigningKeyError(
    `The secret of JWT_SECRET_ARN is shorter than ${JWT_SECRET_MIN_BYTES} bytes.`,
  )
}

/** Here and once a key: jose would import the bytes anew for every token. */
const importKey = (secret: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', Buffer.from(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
