import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

/** Reads a secret's current text. Rejects with the SDK's error, or if the secret is no text. */
export async function readSecret(client: SecretsManagerClient, arn: string): Promise<string> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }))
  if (typeof SecretString === 'string') return SecretString
  throw new TypeError('The secret holds no text.')
}
