import { attempts } from './attempts.ts'
import { type HttpAnswer, httpEndpoint } from './http-endpoint.ts'
import type { Credentials } from './signature.ts'

/** Credentials, and when they end, if they do. */
interface TemporaryCredentials extends Credentials {
  readonly expiration?: Date | undefined
}

/** Credentials that end are read again this long before: what the SDK's own chain does. */
const REFRESH_AHEAD_MILLISECONDS = 300_000

/** As in the SDK: four attempts, each of a second, which is much for the same machine, and one between two. */
const CONTAINER_ATTEMPTS = 4
const CONTAINER_MILLISECONDS = 1000

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** There are no credentials; the name is the SDK's. */
class CredentialsProviderError extends Error {
  override name = 'CredentialsProviderError'
}

/**
 * Credentials in the two ways in which Lambda gives them: in the environment, or, where a process may be older
 * than those can be, as with SnapStart, from an HTTP endpoint that the environment names. They are read once,
 * and again before they end. Of the SDK's chain of providers, files, SSO, processes, ECS, EKS and EC2 are not
 * here, which no Lambda has.
 */
export function lambdaCredentials(): () => Promise<Credentials> {
  let kept: TemporaryCredentials | undefined
  let reading: Promise<TemporaryCredentials> | undefined
  return async () => {
    if (kept !== undefined && lasts(kept, REFRESH_AHEAD_MILLISECONDS)) return kept
    reading ??= readCredentials().finally(() => {
      reading = undefined
    })
    try {
      kept = await reading
    } catch (error) {
      if (kept === undefined || !lasts(kept, 0)) throw error
    }
    return kept
  }
}

const lasts = ({ expiration }: TemporaryCredentials, milliseconds: number) =>
  expiration === undefined || expiration.getTime() - Date.now() >= milliseconds

async function readCredentials(): Promise<TemporaryCredentials> {
  const { env } = process
  const accessKeyId = env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY']
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: env['AWS_SESSION_TOKEN'] || undefined }
  }
  const uri = env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
  if (uri) return readContainerCredentials(uri, env['AWS_CONTAINER_AUTHORIZATION_TOKEN'])
  throw new CredentialsProviderError(
    'There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_CONTAINER_CREDENTIALS_FULL_URI.',
  )
}

/** AWS SDKs and tools reference guide, "Container credential provider". */
async function readContainerCredentials(uri: string, token = ''): Promise<TemporaryCredentials> {
  const url = URL.parse(uri)
  if (url === null || (url.protocol !== 'https:' && !LOOPBACK.test(url.hostname))) {
    throw new CredentialsProviderError(
      'AWS_CONTAINER_CREDENTIALS_FULL_URI must be a URL of https, or of this machine.',
    )
  }
  const endpoint = httpEndpoint(url, { requestTimeout: CONTAINER_MILLISECONDS })
  const request = {
    method: 'GET',
    path: url.pathname + url.search,
    headers: token ? { authorization: token } : {},
    body: '',
  } as const
  try {
    return await attempts(
      async () => parseContainerCredentials(await endpoint.send(request)),
      (_, attempt) => (attempt < CONTAINER_ATTEMPTS ? CONTAINER_MILLISECONDS : undefined),
    )
  } catch (cause) {
    const message = 'AWS_CONTAINER_CREDENTIALS_FULL_URI gave no credentials.'
    throw new CredentialsProviderError(message, { cause })
  } finally {
    endpoint.close()
  }
}

function parseContainerCredentials({ statusCode, body }: HttpAnswer): TemporaryCredentials {
  if (statusCode !== 200) throw new Error(`It answered ${statusCode}.`)
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = JSON.parse(body)
  const expiration = new Date(String(Expiration))
  if (
    typeof AccessKeyId !== 'string' ||
    typeof SecretAccessKey !== 'string' ||
    typeof Token !== 'string' ||
    Number.isNaN(expiration.getTime())
  ) {
    throw new Error('It answered without AccessKeyId, SecretAccessKey, Token and Expiration.')
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: Token,
    expiration,
  }
}
