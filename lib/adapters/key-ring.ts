import { LoggableError } from '../faults/loggable-error.ts'
import { type Algorithm, parseSigningKey, type SigningKey, WANTED_KEY } from './signing-key.ts'

/** The signing key is missing or invalid. `cause` is the error of the read, if the read failed. */
export class SigningKeyError extends LoggableError {
  override name = 'SigningKeyError'
}

/** The key to sign with, and after it others whose tokens are valid too. */
export type Keys = readonly [signing: SigningKey, ...others: SigningKey[]]

/** The keys in force; the same objects as long as they are. */
export interface KeyRing {
  /** Resolves with the key to sign with, and with those others that have been read. */
  load(): Promise<Keys>
  /** Resolves with every key in force. Rejects if one cannot be read and never was. */
  loadAll(): Promise<Keys>
  /**
   * Resolves with every key, read anew if that was not done for this in the last 10 s: another process may
   * have signed with a newer one. If that read fails, with those that are there.
   */
  reload(): Promise<Keys>
}

/** A key that is known at the start. */
export function fixedKey(key: SigningKey): KeyRing {
  const load = () => Promise.resolve([key] as const)
  return { load, loadAll: load, reload: load }
}

/** The labels of a secret's versions (AWS Secrets Manager, "Rotation"). */
export type SecretVersion = 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS'

/** Where stored keys come from, and how long they are kept. */
export interface StoredKeysOptions {
  /** What the key to sign with is for; the others may be for another. */
  readonly algorithm: Algorithm
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
 * Keys that are read at the first call, kept, and refreshed when they have aged. A refresh never fails a request;
 * only a key past twice its refresh age is awaited. A first read that fails rejects with a
 * {@link SigningKeyError}, and the next call reads again. The first read is of the current version alone, since a
 * cold start waits for it and few tokens are of another.
 *
 * `AWSCURRENT` signs. While it is of another algorithm, `AWSPENDING` signs: so a stage that changes its
 * algorithm has the new key before its new code, and the old one until then.
 */
export function storedKeys({
  algorithm,
  read,
  refreshAfterMilliseconds,
  now = Date.now,
}: StoredKeysOptions): KeyRing {
  let kept: Keys | undefined
  let isComplete = false
  let reading: Promise<Keys> | undefined
  let readAt = 0
  let reloadedAt = Number.NEGATIVE_INFINITY

  async function readKey(version: SecretVersion): Promise<SigningKey | undefined> {
    const text = await read(version)
    return text === undefined ? undefined : parseSigningKey(text)
  }

  async function readKeys(versions: readonly SecretVersion[]): Promise<Keys> {
    const [current, pending, previous] = await Promise.all(versions.map(readKey))
    const signing = [current, pending].find((key) => key?.algorithm === algorithm)
    if (signing === undefined) {
      if (versions === CURRENT) return readKeys(ALL)
      throw new SigningKeyError(`The secret of JWT_SECRET_ARN must be ${WANTED_KEY[algorithm]}.`)
    }
    const others = [current, pending, previous].flatMap((key) =>
      key === undefined || key === signing ? [] : key,
    )
    const keys = [signing, ...others] as const
    kept = keys
    isComplete = versions === ALL
    return keys
  }

  /** Reads, and keeps what is read; the kept keys stay in force until then, and if it fails. */
  function startReading(versions: readonly SecretVersion[]): Promise<Keys> {
    // Set even if the read fails, so that an outage does not cause a read for every request.
    readAt = now()
    reading = readKeys(versions)
      .catch((error: unknown) => {
        if (error instanceof SigningKeyError) throw error
        throw new SigningKeyError('The secret of JWT_SECRET_ARN cannot be read.', { cause: error })
      })
      .finally(() => {
        reading = undefined
      })
    reading.catch(() => {}) // Its callers report the failure.
    return reading
  }

  function load(): Promise<Keys> {
    if (kept === undefined) return reading ?? startReading(CURRENT)
    const age = now() - readAt
    if (age >= refreshAfterMilliseconds && reading === undefined) {
      const keys = kept
      const refreshed = startReading(ALL).catch(() => keys)
      // A process that was idle for long may hold a retired key.
      if (age >= 2 * refreshAfterMilliseconds) return refreshed
    }
    return Promise.resolve(kept)
  }

  return {
    load,
    async loadAll() {
      await load()
      if (!isComplete) await (reading ?? startReading(ALL))
      return load()
    },
    async reload() {
      if (
        kept !== undefined &&
        reading === undefined &&
        now() - reloadedAt >= RELOAD_LEAST_MILLISECONDS
      ) {
        reloadedAt = now()
        void startReading(ALL)
      }
      await reading?.catch(() => {})
      return load()
    },
  }
}

const CURRENT: readonly SecretVersion[] = ['AWSCURRENT']
const ALL: readonly SecretVersion[] = ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS']
