import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { ResourceNotFoundException, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { ChangePasswordDeps } from './accounts/change-password.ts'
import type { ChangeUsernameDeps } from './accounts/change-username.ts'
import type { DeleteAccountDeps } from './accounts/delete-account.ts'
import type { RenewDeps } from './accounts/renew.ts'
import type { SignInDeps } from './accounts/sign-in.ts'
import type { SignUpDeps } from './accounts/sign-up.ts'
import { createExecute, type Row } from './adapters/data-api.ts'
import {
  fixedKey,
  type KeyRing,
  type Keys,
  type KeyWarning,
  storedKeys,
} from './adapters/key-ring.ts'
import { createPasswords } from './adapters/passwords.ts'
import { readSecret } from './adapters/secrets.ts'
import { signToken, type TokenResult, verifyToken } from './adapters/tokens.ts'
import { createUserStore, sessionHoursOf } from './adapters/user-store.ts'
import type { Config } from './config.ts'
import type { Deadline } from './faults/deadline.ts'
import { describeFault } from './faults/faults.ts'
import { retryUntilDeadline } from './faults/retries.ts'
import { withTimeLimit } from './faults/time-limit.ts'
import { type Timings, timed } from './http/timings.ts'
import type { KeySetDeps } from './http/well-known.ts'

/** Time limit for a connection, which takes milliseconds; a lost packet adds a second. */
const CONNECT_MILLISECONDS = 3000

/** Time limit for the response headers of one attempt. The SDK makes three attempts. */
const SECRET_ATTEMPT_MILLISECONDS = 3000

/** Time limit for the whole read. It also aborts a body that stalls after its headers, which the SDK never does. */
const SECRET_READ_MILLISECONDS = 9000

/** Time limit for a rehash; the sign-in continues without it, and the next one tries again. */
const REHASH_MILLISECONDS = 2000

/** The dependencies of the routes. */
export interface Deps
  extends SignUpDeps,
    SignInDeps,
    ChangePasswordDeps,
    ChangeUsernameDeps,
    DeleteAccountDeps,
    RenewDeps,
    KeySetDeps {
  /**
   * Verifies a token of this service, which may have expired up to `expiredSeconds` ago. Rejects only on server
   * errors.
   */
  verifyToken(token: string, expiredSeconds?: number): Promise<TokenResult>
  /** Returns the warnings about the process's keys since the last call. */
  takeKeyWarnings(): readonly KeyWarning[]
}

/**
 * Creates what all requests of the process share, and starts to read the signing key if that is a secret. Returns the
 * function that creates the deps of one request. They keep to its deadline, and add their durations to `timings`.
 */
export function compose(config: Config): (deadline: Deadline, timings: Timings) => Deps {
  const keys = keysFrom(config)
  // A cold start reads the key while it does other work. The request that needs the key reports a failure.
  keys.load().catch(() => {})
  const passwords = createPasswords({ cost: config.bcryptCost })
  const client = new RDSDataClient({
    // retryUntilDeadline retries: the SDK's own three attempts are over in 0.1 s.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECT_MILLISECONDS },
  })
  const execute = createExecute({ ...config, client })
  const sessionHours = sessionHoursOf(config.sessionMaxDays)

  return (deadline, timings) => {
    const onRetry = (thrown: unknown) => {
      timings.databaseRetries = (timings.databaseRetries ?? 0) + 1
      const { error, errno, sqlState } = describeFault(thrown)
      const fault = [error, errno, sqlState].filter(Boolean).join(' ')
      timings.retriedFaults = [...new Set(timings.retriedFaults).add(fault)]
    }
    const timeHash = <T>(work: () => Promise<T>) => timed(timings, 'hashMs', work)
    const timeDatabase = (work: () => Promise<Row>) => timed(timings, 'databaseMs', work)
    const users = createUserStore(
      (sql, values) =>
        timeDatabase(() =>
          // Every statement is safe to retry, see user-store.ts.
          retryUntilDeadline((signal) => execute(sql, values, signal), deadline, { onRetry }),
        ),
      sessionHours,
    )
    const { replaceHash } = createUserStore(
      (sql, values) =>
        timeDatabase(() =>
          withTimeLimit(
            (signal) => execute(sql, values, signal),
            Math.min(REHASH_MILLISECONDS, deadline.remainingMilliseconds()),
          ),
        ),
      sessionHours,
    )
    return {
      ...users,
      replaceHash,
      hashPassword: (password) => timeHash(() => passwords.hashPassword(password)),
      verifyPassword: (password, hash) => timeHash(() => passwords.verifyPassword(password, hash)),
      isOutdated: passwords.isOutdated,
      async loadTokenSigner() {
        const [key] = await keys.load()
        return (user, session) => signToken(user, key, config.token, session)
      },
      loadKeys: () => keys.loadAll(),
      takeKeyWarnings: keys.takeWarnings,
      async verifyToken(token, expiredSeconds) {
        const verify = (ring: Keys) => verifyToken(token, ring, config.token, expiredSeconds)
        const result = (await verify(await keys.load())) ?? (await verify(await keys.reload()))
        return result ?? { ok: false, reason: 'token_invalid' }
      },
    }
  }
}

function keysFrom({ signingKey: source, algorithm }: Config): KeyRing {
  if ('key' in source) return fixedKey(source.key)
  const client = new SecretsManagerClient({
    requestHandler: {
      connectionTimeout: CONNECT_MILLISECONDS,
      requestTimeout: SECRET_ATTEMPT_MILLISECONDS,
      throwOnRequestTimeout: true,
    },
  })
  return storedKeys({
    algorithm,
    read: (version) =>
      withTimeLimit(
        (abortSignal) => readSecret(client, source.secretArn, { version, abortSignal }),
        SECRET_READ_MILLISECONDS,
      ).catch((error: unknown) => {
        // A secret has other versions only during and after a rotation.
        if (version !== 'AWSCURRENT' && error instanceof ResourceNotFoundException) return undefined
        throw error
      }),
    refreshAfterMilliseconds: source.refreshSeconds * 1000,
  })
}
