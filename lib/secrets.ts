import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

/**
 * Reads a secret's current text. Rejects with the SDK's error, also when the signal aborts, or with a
 * `TypeError` if the secret is binary.
 */
export async function readSecret(
  client: SecretsManagerClient,
  arn: string,
  options: { readonly abortSignal?: AbortSignal } = {},
): Promise<string> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }), options)
  if (typeof SecretString === 'string') return SecretString
  throw new TypeError('The secret holds no text.')
}
