import { fromEnv } from '@aws-sdk/credential-provider-env'
import { fromHttp } from '@aws-sdk/credential-provider-http'
import { CredentialsProviderError, memoize } from '@smithy/core/config'

/** Credentials that end are read again this long before: what the SDK's own chain does. */
const REFRESH_AHEAD_MILLISECONDS = 300_000

/**
 * Credentials in the two ways in which Lambda gives them: in the environment, or from an HTTP endpoint that the
 * environment names, as SnapStart does. Of the SDK's chain of providers, files, SSO, processes and EC2's
 * metadata service are not here, which no Lambda has.
 */
export const lambdaCredentials = () =>
  memoize(
    async () => {
      const { env } = process
      if (env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY']) return fromEnv()()
      if (
        env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ||
        env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']
      ) {
        return fromHttp()()
      }
      throw new CredentialsProviderError(
        'There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_CONTAINER_CREDENTIALS_FULL_URI.',
        { tryNextLink: false },
      )
    },
    ({ expiration }) =>
      expiration !== undefined && expiration.getTime() - Date.now() < REFRESH_AHEAD_MILLISECONDS,
    ({ expiration }) => expiration !== undefined,
  )
