import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

/**
 * Reads the text of a secret's version, by default the current one. Rejects with the SDK's error, including when the
 * signal aborts, or with a `TypeError` if the secret is binary.
 */
export async function readSecret(
  client: SecretsManagerClient,
  arn: string,
  { version, ...options }: { readonly version?: string; readonly abortSignal?: AbortSignal } = {},
): Promise<string> {
  const command = new GetSecretValueCommand({ SecretId: arn, VersionStage: version })
  const { SecretString } = await client.send(command, options)
  if (typeof SecretString === 'string') return SecretString
  throw new TypeError('The secret holds no text.')
}
