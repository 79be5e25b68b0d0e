import type { KeyObject } from 'node:crypto'
import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Config, SigningKeySource } from './config.ts'
import type { Deadline } from './deadline.ts'
import { createPasswordHasher, verifyPassword } from './passwords.ts'
import { createResponder } from './responses.ts'
import { untilDeadline } from './retries.ts'
import { readSecret } from './secrets.ts'
import type { SignToken, SignUpDeps } from './sign-up.ts'
import { fixedKey, type LoadKey, storedKey } from './signing-key.ts'
import { type Timings, timedDeps } from './timings.ts'
import { createTokenSigner } from './tokens.ts'
import { createUserStore } from './users.ts'

/** AWS takes a connection within milliseconds; one lost packet on the way costs a second. */
const CONNECTION_MILLISECONDS = 3000

/** Three attempts and the SDK's pauses between them are over in half of the time that a request has. */
const SECRET_READ_MILLISECONDS = 3000

/** What lives as long as the process. */
export type Service = ReturnType<typeof startService>

/** Builds it once, and begins to read the signing key where that is a secret. */
export function startService(config: Config) {
  const loadKey = keyFrom(config.signingKey)
  // So that a cold start reads the key while it does other work; a failure is the first request's.
  loadKey().catch(() => {})
  const hashPassword = createPasswordHasher({ cost: config.bcryptCost })
  const client = new RDSDataClient({
    // untilDeadline makes the others: the SDK's own would be over in 0.1 s.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECTION_MILLISECONDS },
  })
  const users = createUserStore({ ...config, client })

  let signer: { readonly key: KeyObject; readonly signToken: SignToken } | undefined
  /** The same signer as long as the key is the same, so that a key is imported once. */
  const loadTokenSigner = async () => {
    const key = await loadKey()
    if (key !== signer?.key) signer = { key, signToken: createTokenSigner(key, config.token) }
    return signer.signToken
  }

  let first = true
  /**
   * A process's first signature loads WebCrypto, 3 ms for which nobody waits while the first call is out: it is
   * on its way when the event loop comes round.
   */
  const signAheadOnce = () => {
    if (!first) return
    first = false
    setImmediate(() => {
      loadTokenSigner()
        .then((signToken) => signToken({ id: 0, username: '' }))
        .catch(() => {})
    })
  }

  /** The deps of one request: bounded by its deadline, with what they take noted in `timings`. */
  function depsFor(deadline: Deadline, timings: Timings): SignUpDeps {
    const onRetry = () => {
      timings.databaseRetries = (timings.databaseRetries ?? 0) + 1
    }
    // Either statement may be sent any number of times, see users.ts.
    const repeat = <T>(call: (signal: AbortSignal) => Promise<T>) =>
      untilDeadline(call, deadline, { onRetry })
    return timedDeps(
      {
        hashPassword,
        verifyPassword,
        insertUser(user) {
          const inserted = repeat((signal) => users.insertUser(user, signal))
          signAheadOnce()
          return inserted
        },
        findEarlierUser: (username, idempotencyKeySha256) =>
          repeat((signal) => users.findEarlierUser(username, idempotencyKeySha256, signal)),
        loadTokenSigner,
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
      connectionTimeout: CONNECTION_MILLISECONDS,
      requestTimeout: SECRET_READ_MILLISECONDS,
      throwOnRequestTimeout: true,
    },
  })
  return storedKey({
    read: () => readSecret(client, source.secretArn),
    refreshAfterMilliseconds: source.refreshSeconds * 1000,
  })
}
