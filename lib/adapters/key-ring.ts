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
  /** Returns the warnings since the last call. */
  takeWarnings(): readonly KeyWarning[]
}

/**
 * A warning about the cached keys. Once per ring, a reason to replace or remove one: it looks public, or it is of
 * another algorithm than the signing key and not the next one, so that it still signs tokens of any issuer and
 * audience. Once per refresh age, a failed refresh, with its error: no process that starts now gets a key.
 */
export interface KeyWarning {
  readonly code: 'key_looks_public' | 'key_of_former_algorithm' | 'key_refresh_failed'
  readonly error?: SigningKeyError
}

/** Returns a ring whose only key is known at the start. */
export function fixedKey(key: SigningKey): KeyRing {
  const load = () => Promise.resolve([key] as const)
  return { load, loadAll: load, reload: load, takeWarnings: () => [] }
}

/** The labels of a secret's versions (AWS Secrets Manager, "Rotation"). */
export type SecretVersion = 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS'

/** The source of stored keys, and their refresh age. */
interface StoredKeysOptions {
  /** The algorithm of the signing key; the others may have another. */
  readonly algorithm: Algorithm
  /**
   * Reads the secret; `undefined` if it has no such version. It must settle within 10 s: while it is pending, no other
   * read starts.
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

/** A read that lasted longer failed because Lambda froze the process after a response. */
const READ_MAX_MILLISECONDS = 10_000

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
  const warnings: KeyWarning[] = []
  const warnedAt = new Map<KeyWarning['code'], number>()
  let reading: Reading | undefined
  let readAt = 0
  let reloadedAt = Number.NEGATIVE_INFINITY

  async function readKey(version: SecretVersion): Promise<SigningKey | undefined> {
    const text = await read(version)
    if (text === undefined) return undefined
    // The label tells whether it has signed, since the current key does, and the previous one did.
    return parseSigningKey(text, { hasSigned: version !== 'AWSPENDING' })
  }

  function warn(code: KeyWarning['code'], pauseMilliseconds: number, error?: SigningKeyError) {
    if (now() - (warnedAt.get(code) ?? Number.NEGATIVE_INFINITY) < pauseMilliseconds) return
    warnedAt.set(code, now())
    warnings.push({ code, ...(error && { error }) })
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
    const isFormer = [current, previous].some((key) => key && key.algorithm !== algorithm)
    if (keys.some((key) => key.looksPublic)) warn('key_looks_public', Number.POSITIVE_INFINITY)
    if (isFormer) warn('key_of_former_algorithm', Number.POSITIVE_INFINITY)
    return keys
  }

  /** Reads and caches the keys. The cached ones stay in force until then, and if the read fails. */
  function startReading(extent: Extent): Promise<Keys> {
    const startedAt = now()
    // Set even if the read fails, so that an outage does not cause a read for every request.
    readAt = startedAt
    // The first read of the current key may still be pending.
    const current = reading?.current ?? readKey('AWSCURRENT')
    const keys = readKeys(extent, current)
      .catch((cause: unknown) => {
        const unreadable = 'The secret of JWT_SECRET_ARN cannot be read.'
        const error =
          cause instanceof SigningKeyError ? cause : new SigningKeyError(unreadable, { cause })
        // After a freeze the next request reads again, and waits for it.
        if (now() - startedAt > READ_MAX_MILLISECONDS) readAt = Number.NEGATIVE_INFINITY
        else if (cached) warn('key_refresh_failed', refreshAfterMilliseconds, error)
        throw error
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
    takeWarnings: () => warnings.splice(0),
  }
}
