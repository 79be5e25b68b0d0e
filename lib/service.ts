import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Config, SigningKeySource } from './config.ts'
import type { Deadline } from './deadline.ts'
import { createPasswordHasher, verifyPassword } from './passwords.ts'
import { createResponder } from './responses.ts'
import { retryUntilDeadline } from './retries.ts'
import { readSecret } from './secrets.ts'
import type { SignUpDeps } from './sign-up.ts'
import { fixedKey, type LoadKey, storedKey } from './signing-key.ts'
import { withTimeLimit } from './time-limit.ts'
import { type Timings, timedDeps } from './timings.ts'
import { signToken } from './tokens.ts'
import { createUserStore } from './users.ts'

/** Connecting to AWS takes milliseconds; a lost packet on the way costs a second. */
const CONNECT_MILLISECONDS = 3000

/** Until the headers of one attempt's response. The SDK makes three attempts. */
const SECRET_ATTEMPT_MILLISECONDS = 3000

/** The whole read. It also ends a body that stalls after its headers, which the SDK waits for without end. */
const SECRET_READ_MILLISECONDS = 9000

/** What lives as long as the process. */
export type Service = ReturnType<typeof startService>

/** Builds the service, and starts to read the signing key where that is a secret. */
export function startService(config: Config) {
  const loadKey = keyFrom(config.signingKey)
  // A cold start reads the key while it does other work. The request that needs the key reports a failure.
  loadKey().catch(() => {})
  const hashPassword = createPasswordHasher({ cost: config.bcryptCost })
  const client = new RDSDataClient({
    // retryUntilDeadline retries: the SDK's own three attempts are over in 0.1 s.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECT_MILLISECONDS },
  })
  const users = createUserStore({ ...config, client })

  /** The deps of one request: bounded by its deadline; what they take is added to `timings`. */
  function depsFor(deadline: Deadline, timings: Timings): SignUpDeps {
    const onRetry = () => {
      timings.databaseRetries = (timings.databaseRetries ?? 0) + 1
    }
    // Both statements are safe to retry, see users.ts.
    const retry = <T>(call: (signal: AbortSignal) => Promise<T>) =>
      retryUntilDeadline(call, deadline, { onRetry })
    return timedDeps(
      {
        hashPassword,
        verifyPassword,
        insertUser: (user) => retry((signal) => users.insertUser(user, signal)),
        findEarlierUser: (username, idempotencyKeySha256) =>
          retry((signal) => users.findEarlierUser(username, idempotencyKeySha256, signal)),
        async loadTokenSigner() {
          const key = await loadKey()
          return (user) => signToken(user, key, config.token)
        },
      },
      timings,
    )
  }

  return { config, depsFor, respond: createResponder(config) }
}

function keyFrom(source: SigningKeySource): LoadKey {
  if ('secret' in source) return fixedKey(source.secret)
  const client = new SecretsManagerClient({
    requestHandler: {
      connectionTimeout: CONNECT_MILLISECONDS,
      requestTimeout: SECRET_ATTEMPT_MILLISECONDS,
      throwOnRequestTimeout: true,
    },
  })
  return storedKey({
    read: () =>
      withTimeLimit(
        (abortSignal) => readSecret(client, source.secretArn, { abortSignal }),
        SECRET_READ_MILLISECONDS,
      ),
    refreshAfterMilliseconds: source.refreshSeconds * 1000,
  })
}
