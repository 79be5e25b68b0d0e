import type { CryptoKey } from 'jose'

/** RFC 7518, section 3.2: an HS256 key is at least as long as the hash's output, 256 bits. */
export const JWT_SECRET_MIN_BYTES = 32

/** Whether `secret` is long enough to sign with. jose itself would accept a single byte. */
export const isLongEnough = (secret: string) => Buffer.byteLength(secret) >= JWT_SECRET_MIN_BYTES

/** There is no signing key. `cause` is what the read threw, if it was the read that failed. */
export class SigningKeyError extends Error {
  override name = 'SigningKeyError'
}

/** The key to sign with, and after it others whose tokens are valid too. */
export type Keys = readonly [current: CryptoKey, ...previous: CryptoKey[]]

/** The keys in force; the same objects as long as they are. */
export interface KeyRing {
  /** Resolves with the keys, which may have to be read first. */
  load(): Promise<Keys>
  /**
   * Resolves with the keys, read anew if that was not done for this in the last 10 s: another process may
   * have signed with a newer one. If that read fails, with those that are there.
   */
  reload(): Promise<Keys>
}

/** A key that is known at the start. */
export function fixedKey(secret: string): KeyRing {
  const keys = importKey(secret).then((key) => [key] as const)
  return { load: () => keys, reload: () => keys }
}

/** The labels of a secret's versions (AWS Secrets Manager, "Rotation"). */
export type SecretVersion = 'AWSCURRENT' | 'AWSPREVIOUS'

/** Where stored keys come from, and how long they are kept. */
export interface StoredKeysOptions {
  /**
   * Reads the secret; `undefined` if it has no such version. It must settle: as long as it is pending,
   * nothing else is tried.
   */
  readonly read: (version: SecretVersion) => Promise<string | undefined>
  /** Age in milliseconds at which the keys are read again, so that a rotated one is picked up. */
  readonly refreshAfterMilliseconds: number
  /** A clock in milliseconds. */
  readonly now?: () => number
}

const RELOAD_LEAST_MILLISECONDS = 10_000

/**
 * Keys that are read at the first call, kept, and read again when they have aged. Nobody waits for that
 * second read or fails by it: the kept key signs until a new one has been read. A first read that fails
 * rejects with a {@link SigningKeyError}, and the next call reads again. The first read is of the current
 * version alone, since a cold start waits for it and few tokens are older than a rotation.
 */
export function storedKeys({
  read,
  refreshAfterMilliseconds,
  now = Date.now,
}: StoredKeysOptions): KeyRing {
  let kept: Keys | undefined
  let reading: Promise<Keys> | undefined
  let readAt = 0
  let reloadedAt = Number.NEGATIVE_INFINITY

  async function readKeys(): Promise<Keys> {
    // Set even if the read fails, so that an outage does not cause a read for every request.
    readAt = now()
    try {
      const [current, previous] = await Promise.all([
        read('AWSCURRENT'),
        kept && read('AWSPREVIOUS'),
      ])
      const key = await toKey(current)
      const isUsable = previous !== undefined && isLongEnough(previous)
      kept = isUsable ? [key, await importKey(previous)] : [key]
      return kept
    } catch (error) {
      if (error instanceof SigningKeyError) throw error
      throw new SigningKeyError('The secret of JWT_SECRET_ARN cannot be read.', { cause: error })
    } finally {
      reading = undefined
    }
  }

  /** Reads in the background; the kept keys stay in force until then, and if it fails. */
  function refresh(): void {
    reading = readKeys()
    reading.catch(() => {})
  }

  function load(): Promise<Keys> {
    if (kept === undefined) {
      reading ??= readKeys()
      return reading
    }
    if (now() - readAt >= refreshAfterMilliseconds && reading === undefined) refresh()
    return Promise.resolve(kept)
  }

  return {
    load,
    async reload() {
      if (
        kept !== undefined &&
        reading === undefined &&
        now() - reloadedAt >= RELOAD_LEAST_MILLISECONDS
      ) {
        reloadedAt = now()
        refresh()
      }
      await reading?.catch(() => {})
      return load()
    },
  }
}

function toKey(secret = ''): Promise<CryptoKey> {
  if (isLongEnough(secret)) return importKey(secret)
  throw new SigningKeyError(
    `The secret of JWT_SECRET_ARN is shorter than ${JWT_SECRET_MIN_BYTES} bytes.`,
  )
}

/** Here and once a key: jose would import the bytes anew for every token. */
const importKey = (secret: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', Buffer.from(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ])
