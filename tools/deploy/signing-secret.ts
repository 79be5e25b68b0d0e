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
import { KEY_REFRESH_SECONDS } from '../../lib/config.ts'
import { newSigningKey } from '../new-signing-key.ts'

/** The secret that holds the signing key, and the moves of its labels. */
export type SigningSecret = ReturnType<typeof openSigningSecret>

type Versions = Readonly<Record<'current' | 'pending' | 'previous', string | undefined>>

/** Time until every process has read the secret: an idle one reads it before its next request. */
export const ALL_PROCESSES_SECONDS = 2 * KEY_REFRESH_SECONDS

/**
 * Resolves with what Secrets Manager knows about a secret. Rejects with an error that names it, and says what helps, if
 * it is gone or marked for deletion; otherwise with the SDK's error.
 */
export async function describeSecret(client: SecretsManagerClient, arn: string) {
  const command = new DescribeSecretCommand({ SecretId: arn })
  const description = await client.send(command).catch((error: unknown) => {
    if (!(error instanceof ResourceNotFoundException)) throw error
    throw new Error(
      `There is no secret ${arn}, which the stack made. docs/runbook.md, "Secrets", says how to make another.`,
    )
  })
  if (description.DeletedDate === undefined) return description
  const [, , , region] = arn.split(':')
  throw new Error(
    `The secret ${arn} is marked for deletion. Restore it, and run this again: aws secretsmanager restore-secret --region ${region} --secret-id ${arn}`,
  )
}

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
      const { VersionIdsToStages = {}, LastChangedDate } = await describeSecret(client, arn)
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
    async makeCurrent({ current, pending }: Partial<Versions>): Promise<void> {
      if (pending) await moveLabel('AWSCURRENT', { to: pending, from: current })
    },

    /** Makes the previous version current again, and the current one previous, in one call. */
    async takeBack({ current, previous }: Partial<Versions>): Promise<void> {
      if (previous) await moveLabel('AWSCURRENT', { to: previous, from: current })
    },

    /** Takes the label off its version. */
    async remove(label: 'AWSPENDING' | 'AWSPREVIOUS', from: string): Promise<void> {
      await moveLabel(label, { from })
    },
  }
}

/**
 * Throws if the secret cannot be used, or if the current key looks public. It may have signed, so only a rotation
 * replaces it.
 */
export async function checkSigningKey(secret: SigningSecret): Promise<void> {
  await secret.versions()
  if (!(await secret.keyOf('AWSCURRENT'))?.looksPublic) return
  throw new Error(
    `The signing key looks like a text that others know. It must be ${WANTED_KEY.HS256}. Replace it: npm run rotate-key, with --now if the text is public.`,
  )
}

/**
 * Ensures that the secret has a key of the `wanted` algorithm: pending while a release of another algorithm is
 * `deployed`, which continues with its own key, otherwise current. If the current text is not a key of that release, the
 * previous key becomes current again, whose tokens are in use: after a wrong text, or after a rollback over a change of
 * the algorithm. Safe to repeat. Resolves with the steps that were taken, or would be in a dry run.
 */
export async function fitSigningKey(
  secret: SigningSecret,
  { deployed, wanted }: Readonly<Record<'deployed' | 'wanted', Algorithm>>,
  { dryRun = false } = {},
): Promise<string[]> {
  const done: string[] = []
  const labels = ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'] as const
  const [current, pending, previous] = await Promise.all(labels.map(secret.keyOf))
  const signs = [current, pending].some((key) => key?.algorithm === deployed)
  const isPreviousUsable = previous?.algorithm === deployed && !previous.looksPublic
  const isTakenBack = isPreviousUsable && !(signs && current)
  if (isTakenBack) {
    if (!dryRun) await secret.takeBack(await secret.versions())
    done.push(`make AWSPREVIOUS, the ${deployed} key, AWSCURRENT again, whose text cannot sign`)
  }
  if ((isTakenBack ? previous : current)?.algorithm === wanted) return done
  if (pending?.algorithm !== wanted) {
    if (!dryRun) await secret.storePending(wanted)
    done.push(`store a new ${wanted} key as AWSPENDING`)
  }
  if (deployed === wanted) {
    if (!dryRun) await secret.makeCurrent(await secret.versions())
    done.push(`make the ${wanted} key AWSCURRENT`)
  }
  return done
}

/**
 * Removes the previous key if it is of another algorithm than the stage's, once its last token has expired: until
 * then it verifies tokens of any issuer and audience. Safe to repeat. Resolves with the steps that were taken, or
 * would be in a dry run; to keep the key for now is one.
 */
export async function retireFormerKey(
  secret: SigningSecret,
  { algorithm, tokenSeconds }: { readonly algorithm: Algorithm; readonly tokenSeconds: number },
  { dryRun = false, now = Date.now() } = {},
): Promise<string[]> {
  const { current, pending, previous, changedAt } = await secret.versions()
  const former = previous && (await secret.keyOf('AWSPREVIOUS'))?.algorithm
  if (!former || former === algorithm) return []
  const end = (changedAt?.getTime() ?? now) + (tokenSeconds + ALL_PROCESSES_SECONDS) * 1000
  if (end > now) {
    const until = new Date(end).toISOString()
    return [`keep AWSPREVIOUS, the ${former} key, until ${until}: run npm run migrate after that`]
  }
  if (!dryRun) {
    // Both labels are of the change of the algorithm. This one alone would end the next rotation before it begins.
    if (pending && pending === current) await secret.remove('AWSPENDING', pending)
    await secret.remove('AWSPREVIOUS', previous)
  }
  return [`remove AWSPREVIOUS, the ${former} key, whose tokens have expired`]
}
