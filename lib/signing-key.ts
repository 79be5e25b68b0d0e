import { createSecretKey, type KeyObject } from 'node:crypto'

/** RFC 7518, section 3.2: an HS256 key is at least as long as the hash's output, 256 bits. */
export const JWT_SECRET_MIN_BYTES = 32

/** Whether `secret` is long enough to sign with. jose would take a single byte. */
export const isLongEnough = (secret: string) => Buffer.byteLength(secret) >= JWT_SECRET_MIN_BYTES

/** The signing key cannot be had. `cause` is what the read threw, if it was the read that failed. */
export class SigningKeyError extends Error {
  override name = 'SigningKeyError'
}

/** Resolves with the key to sign with. */
export type LoadKey = () => Promise<KeyObject>

/** A key that is known at the start. */
export function fixedKey(secret: string): LoadKey {
  const key = Promise.resolve(createSecretKey(secret, 'utf8'))
  return () => key
}

export interface StoredKeyOptions {
  /** Reads the secret from where it is kept. */
  readonly read: () => Promise<string>
  /** Age in milliseconds at which a key is read again, so that a rotated one is picked up. */
  readonly refreshAfterMilliseconds: number
  readonly now?: () => number
}

/**
 * A key that is read at the first call, kept, and read again when it has aged. Nobody waits for that
 * second read or fails by it: the kept key signs until a new one has come. A first read that fails
 * rejects with a {@link SigningKeyError}, and the next call tries again.
 */
export function storedKey({
  read,
  refreshAfterMilliseconds,
  now = Date.now,
}: StoredKeyOptions): LoadKey {
  let kept: KeyObject | undefined
  let reading: Promise<KeyObject> | undefined
  let readAt = 0

  async function readKey(): Promise<KeyObject> {
    // Also where the read fails, so that an outage is not answered with a read for every request.
    readAt = now()
    try {
      kept = toKey(await read())
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
      reading.catch(() => {}) // The kept key stands.
    }
    return Promise.resolve(kept)
  }
}

function toKey(secret: string): KeyObject {
  if (isLongEnough(secret)) return createSecretKey(secret, 'utf8')
  throw new SigningKeyError(
    `The secret of JWT_SECRET_ARN is shorter than ${JWT_SECRET_MIN_BYTES} bytes.`,
  )
}
