import { LoggableError } from '../faults/loggable-error.ts'
import { type Algorithm, parseSigningKey, type SigningKey, WANTED_KEY } from './signing-key.ts'

/** The signing key is missing or invalid. `cause` is the error of the read, if the read failed. */
export class SigningKeyError extends LoggableError {
  override name = 'SigningKeyError'
}

/** The signing key, followed by the others whose tokens are also valid. */
export type Keys = readonly [signing: SigningKey, ...others: SigningKey[]]

/** The keys in force. */
export interface KeyRing {
  /** Resolves with the signing key, and with the others that have been read. */
  load(): Promise<Keys>
  /** Resolves with every key in force. Rejects if one was never read and cannot be read now. */
  loadAll(): Promise<Keys>
  /**
   * Reads every key again, at most once per 10 s, and resolves with them: another process may have signed with a
   * newer one. If the read fails, resolves with the cached keys.
   */
  reload(): Promise<Keys>
  /** Returns the reasons to replace or remove a cached key. */
  warnings(): readonly KeyWarning[]
}

/**
 * Reasons to replace or remove a key that is in force: it looks public, or it is of another algorithm than the signing
 * key and not the next one, so that it still signs tokens of any issuer and audience.
 */
export type KeyWarning = 'key_looks_public' | 'key_of_former_algorithm'

/** Returns a ring whose only key is known at the start. */
export function fixedKey(key: SigningKey): KeyRing {
  const load = () => Promise.resolve([key] as const)
  return { load, loadAll: load, reload: load, warnings: () => [] }
}

/** The labels of a secret's versions (AWS Secrets Manager, "Rotation"). */
export type SecretVersion = 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS'

/** The source of stored keys, and their refresh age. */
interface StoredKeysOptions {
  /** The algorithm of the signing key; the others may have another. */
  readonly algorithm: Algorithm
  /**
   * Reads the secret; `undefined` if it has no such version. It must settle: while it is pending, no other read
   * starts.
   */
  readonly read: (version: SecretVersion) => Promise<string | undefined>
  /** Age in milliseconds at which the keys are refreshed, to pick up a rotated one. */
  readonly refreshAfterMilliseconds: number
  /** A clock in milliseconds. */
  readonly now?: () => number
}

/** The versions of a read: the current one, or all. */
type Extent = 'current' | 'all'

/** A pending read, with that of the current version. */
interface Reading {
  readonly extent: Extent
  readonly current: Promise<SigningKey | undefined>
  readonly keys: Promise<Keys>
}

const RELOAD_INTERVAL_MILLISECONDS = 10_000

/**
 * Returns keys that are read at the first call, cached, and refreshed at an age. A refresh never fails a request;
 * only the refresh of a key past twice that age is awaited. If the first read fails, the call rejects with a
 * {@link SigningKeyError}, and the next one reads again. The first read takes only the current version: a cold start
 * waits for it, and few tokens have another key.
 *
 * `AWSCURRENT` signs. While it has another algorithm, `AWSPENDING` signs: a stage that changes its algorithm gets the
 * new key before the new code, and keeps the old key until then.
 */
export function storedKeys({
  algorithm,
  read,
  refreshAfterMilliseconds,
  now = Date.now,
}: StoredKeysOptions): KeyRing {
  let cached: Keys | undefined
  let isComplete = false
  let warnings: readonly KeyWarning[] = []
  let reading: Reading | undefined
  let readAt = 0
  let reloadedAt = Number.NEGATIVE_INFINITY

  async function readKey(version: SecretVersion): Promise<SigningKey | undefined> {
    const text = await read(version)
    if (text === undefined) return undefined
    // The label tells whether it has signed, since the current key does, and the previous one did.
    return parseSigningKey(text, { hasSigned: version !== 'AWSPENDING' })
  }

  /** Reads and caches the keys: `all` if the current one alone cannot sign. */
  async function readKeys(extent: Extent, currentRead: Reading['current']): Promise<Keys> {
    const others = extent === 'all' ? [readKey('AWSPENDING'), readKey('AWSPREVIOUS')] : []
    const [current, pending, previous] = await Promise.all([currentRead, ...others])
    const signing = [current, pending].find((key) => key?.algorithm === algorithm)
    if (signing === undefined) {
      if (extent === 'current') return readKeys('all', currentRead)
      throw new SigningKeyError(`The secret of JWT_SECRET_ARN must be ${WANTED_KEY[algorithm]}.`)
    }
    const verifying = [current, pending, previous].flatMap((key) =>
      key === undefined || key === signing ? [] : key,
    )
    const keys = [signing, ...verifying] as const
    cached = keys
    isComplete = extent === 'all'
    const looksPublic = keys.some((key) => key.looksPublic)
    const isFormer = [current, previous].some((key) => key && key.algorithm !== algorithm)
    warnings = [
      ...(looksPublic ? (['key_looks_public'] as const) : []),
      ...(isFormer ? (['key_of_former_algorithm'] as const) : []),
    ]
    return keys
  }

  /** Reads and caches the keys. The cached ones stay in force until then, and if the read fails. */
  function startReading(extent: Extent): Promise<Keys> {
    // Set even if the read fails, so that an outage does not cause a read for every request.
    readAt = now()
    // The first read of the current key may still be pending.
    const current = reading?.current ?? readKey('AWSCURRENT')
    const keys = readKeys(extent, current)
      .catch((error: unknown) => {
        if (error instanceof SigningKeyError) throw error
        throw new SigningKeyError('The secret of JWT_SECRET_ARN cannot be read.', { cause: error })
      })
      .finally(() => {
        if (reading?.keys === keys) reading = undefined
      })
    keys.catch(() => {}) // Its callers report the failure.
    reading = { extent, current, keys }
    return keys
  }

  function load(): Promise<Keys> {
    if (cached === undefined) return reading?.keys ?? startReading('current')
    const age = now() - readAt
    if (age >= refreshAfterMilliseconds && reading === undefined) {
      const keys = cached
      const refreshed = startReading('all').catch(() => keys)
      // After a long idle time the cached key may be retired.
      if (age >= 2 * refreshAfterMilliseconds) return refreshed
    }
    return Promise.resolve(cached)
  }

  return {
    load,
    async loadAll() {
      // At once, and not after the read of a cold start: API Gateway waits for a key set for 1,500 ms.
      if (!isComplete) await (reading?.extent === 'all' ? reading.keys : startReading('all'))
      return load()
    },
    async reload() {
      if (
        cached !== undefined &&
        reading === undefined &&
        now() - reloadedAt >= RELOAD_INTERVAL_MILLISECONDS
      ) {
        reloadedAt = now()
        void startReading('all')
      }
      await reading?.keys.catch(() => {})
      return load()
    },
    warnings: () => warnings,
  }
}
