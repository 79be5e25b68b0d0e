import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import type { SecretVersion } from '../../lib/adapters/key-ring.ts'
import { readSecret } from '../../lib/adapters/secrets.ts'
import {
  type Algorithm,
  parseSigningKey,
  type SigningKey,
  WANTED_KEY,
} from '../../lib/adapters/signing-key.ts'
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

    /** Resolves with the version's key, as the function reads it; `undefined` if there is none. */
    async keyOf(version: SecretVersion): Promise<SigningKey | undefined> {
      const text = await readSecret(client, arn, { version }).catch((error: unknown) => {
        if (error instanceof ResourceNotFoundException) return ''
        throw error
      })
      return parseSigningKey(text, { hasSigned: version !== 'AWSPENDING' })
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

/** Throws if the current key looks public. It may have signed, so only a rotation replaces it. */
export async function checkSigningKey(secret: SigningSecret): Promise<void> {
  if (!(await secret.keyOf('AWSCURRENT'))?.looksPublic) return
  throw new Error(
    `The signing key looks like a text that others know. It must be ${WANTED_KEY.HS256}. Replace it: npm run rotate-key, with --now if the text is public.`,
  )
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
  if ((await secret.keyOf('AWSCURRENT'))?.algorithm === wanted) return done
  if ((await secret.keyOf('AWSPENDING'))?.algorithm !== wanted) {
    if (!dryRun) await secret.storePending(wanted)
    done.push(`store a new ${wanted} key as AWSPENDING`)
  }
  if (deployed === wanted) {
    if (!dryRun) await secret.makeCurrent(await secret.versions())
    done.push(`make the ${wanted} key AWSCURRENT; npm run rotate-key retires the previous key`)
  }
  return done
}
