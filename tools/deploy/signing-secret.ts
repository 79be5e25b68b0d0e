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

/** The secret that holds the signing key, and the moves of its labels. */
export type SigningSecret = ReturnType<typeof openSigningSecret>

type Versions = Readonly<Record<'current' | 'pending', string | undefined>>

/** Opens a secret. Every call rejects with the SDK's error. New keys are never printed or written to a file. */
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
    /** Resolves with the ids of the labelled versions, and the date of the secret's last change. */
    async versions() {
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

    /** Resolves with the algorithm of the version's key; `undefined` if there is no such version or key. */
    async algorithmOf(version: 'AWSCURRENT' | 'AWSPENDING'): Promise<Algorithm | undefined> {
      const text = await readSecret(client, arn, { version }).catch((error: unknown) => {
        if (error instanceof ResourceNotFoundException) return ''
        throw error
      })
      return parseSigningKey(text)?.algorithm
    },

    /** Stores a new key as `AWSPENDING`. Without the list of stages AWS would make it the current one. */
    async storePending(algorithm: Algorithm): Promise<void> {
      const SecretString = newSigningKey(algorithm)
      const VersionStages = ['AWSPENDING']
      await client.send(new PutSecretValueCommand({ SecretId: arn, SecretString, VersionStages }))
    },

    /** Makes the pending version current, and the current one previous, in one call. */
    async makeCurrent({ current, pending }: Versions): Promise<void> {
      if (pending) await moveLabel('AWSCURRENT', { to: pending, from: current })
    },

    /** Takes the label off its version. */
    async remove(label: 'AWSPENDING' | 'AWSPREVIOUS', from: string): Promise<void> {
      await moveLabel(label, { from })
    },
  }
}

/**
 * Ensures that the secret has a key of the `wanted` algorithm: pending while a release of another algorithm is
 * `deployed`, which continues with its own key, otherwise current. Safe to repeat. Resolves with the steps that
 * were taken, or would be in a dry run.
 */
export async function fitSigningKey(
  secret: SigningSecret,
  { deployed, wanted }: Readonly<Record<'deployed' | 'wanted', Algorithm>>,
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
    done.push(`make the ${wanted} key AWSCURRENT; npm run rotate-key retires the previous key`)
  }
  return done
}
