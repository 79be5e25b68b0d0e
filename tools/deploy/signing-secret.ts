import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { readSecret } from '../../lib/adapters/secrets.ts'
import { type Algorithm, parseSigningKey } from '../../lib/adapters/signing-key.ts'
import { newSigningKey } from '../new-signing-key.ts'

/** The ids of the versions with a label, and when the secret was changed last. */
export interface SecretVersions {
  readonly current: string | undefined
  readonly pending: string | undefined
  readonly previous: string | undefined
  readonly changedAt: Date | undefined
}

/** The secret that holds the signing key, and the moves of its labels. */
export type SigningSecret = ReturnType<typeof openSigningSecret>

/** Every call rejects with the SDK's error. A key that it stores is never printed or written to a file. */
export function openSigningSecret(client: SecretsManagerClient, arn: string) {
  const moveLabel = (
    label: string,
    ids: { readonly to?: string; readonly from?: string | undefined },
  ) =>
    client.send(
      new UpdateSecretVersionStageCommand({
        SecretId: arn,
        VersionStage: label,
        MoveToVersionId: ids.to,
        RemoveFromVersionId: ids.from,
      }),
    )

  return {
    async versions(): Promise<SecretVersions> {
      const command = new DescribeSecretCommand({ SecretId: arn })
      const { VersionIdsToStages = {}, LastChangedDate } = await client.send(command)
      const idOf = (label: string) =>
        Object.entries(VersionIdsToStages).find(([, labels]) => labels.includes(label))?.[0]
      return {
        current: idOf('AWSCURRENT'),
        pending: idOf('AWSPENDING'),
        previous: idOf('AWSPREVIOUS'),
        changedAt: LastChangedDate,
      }
    },

    /** What the version with that label is a key of; `undefined` if there is none, or it is no key. */
    async algorithmOf(version: 'AWSCURRENT' | 'AWSPENDING'): Promise<Algorithm | undefined> {
      const text = await readSecret(client, arn, { version }).catch((error: unknown) => {
        if (error instanceof ResourceNotFoundException) return ''
        throw error
      })
      return parseSigningKey(text)?.algorithm
    },

    /** Stores a new key as `AWSPENDING` alone. Without that list AWS would make it the current one. */
    async storePending(algorithm: Algorithm): Promise<void> {
      const SecretString = newSigningKey(algorithm)
      const VersionStages = ['AWSPENDING']
      await client.send(new PutSecretValueCommand({ SecretId: arn, SecretString, VersionStages }))
    },

    /** Makes the pending version the current one, and the current one the one before, in one call. */
    async makeCurrent({ current, pending }: SecretVersions): Promise<void> {
      if (pending) await moveLabel('AWSCURRENT', { to: pending, from: current })
    },

    /** Takes the label off its version. */
    async remove(label: 'AWSPENDING' | 'AWSPREVIOUS', from: string): Promise<void> {
      await moveLabel(label, { from })
    },
  }
}

/** What a stage signs with now, and after the next deployment. */
interface Algorithms {
  readonly deployed: Algorithm
  readonly wanted: Algorithm
}

/**
 * Has a key of the algorithm that is wanted in the secret: pending where code of another algorithm is deployed,
 * which goes on with its own, and else current. Safe to repeat. Resolves with what was done, or would be.
 */
export async function fitSigningKey(
  secret: SigningSecret,
  { deployed, wanted }: Algorithms,
  { dryRun = false } = {},
): Promise<string[]> {
  const done: string[] = []
  if ((await secret.algorithmOf('AWSCURRENT')) === wanted) return done
  if ((await secret.algorithmOf('AWSPENDING')) !== wanted) {
    if (!dryRun) await secret.storePending(wanted)
    done.push(`store a new ${wanted} key as AWSPENDING`)
  }
  if (deployed === wanted) {
    if (!dryRun) await secret.makeCurrent(await secret.versions())
    done.push(`make the ${wanted} key AWSCURRENT; npm run rotate-key ends the key before`)
  }
  return done
}
