import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { newSigningKey } from '../deploy/new-signing-key.ts'
import { createAtomically } from './create-atomically.ts'

/** Where local settings are read from, and kept. */
interface Places {
  readonly envFile: string
  /** A folder that git ignores. */
  readonly localFolder: string
}

/**
 * Completes `process.env` for the function to run on this machine: the shell's values first, then those of
 * `.env`, then defaults. AWS credentials are always replaced, so that no real ones are used.
 * `AWS_ENDPOINT_URL_RDS_DATA` is set later, with the local Data API.
 */
export function loadLocalEnvironment({ envFile, localFolder }: Places): void {
  if (existsSync(envFile)) process.loadEnvFile(envFile)

  const isRsa = process.env['JWT_ALGORITHM'] === 'RS256'
  const account = 'eu-central-1:000000000000'
  const defaults = {
    DB_CLUSTER_ARN: `arn:aws:rds:${account}:cluster:local`,
    DB_SECRET_ARN: `arn:aws:secretsmanager:${account}:secret:local`,
    DB_NAME: 'latchkey',
    // Only one of the two may be set.
    ...(!process.env['JWT_SECRET_ARN'] && { JWT_SECRET: localJwtSecret(localFolder, isRsa) }),
    // Whoever fetches the public keys wants both, and on AWS they are there.
    ...(isRsa && {
      JWT_ISSUER: `http://localhost:${process.env['PORT'] || 3000}`,
      JWT_AUDIENCE: 'local',
    }),
    // On AWS every outcome is a log line and a metric; here they would hide the output of a command.
    POWERTOOLS_LOG_LEVEL: 'WARN',
    POWERTOOLS_METRICS_DISABLED: 'true',
  }
  for (const [name, value] of Object.entries(defaults)) {
    process.env[name] ||= value
  }

  process.env['AWS_ACCESS_KEY_ID'] = 'local'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'local'
  // Set in the shell or in ~/.aws/config, it would send the function to AWS.
  process.env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] = 'false'
  for (const name of ['AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AWS_DEFAULT_PROFILE']) {
    delete process.env[name]
  }
}

/** This machine's own key, created once, so that tokens outlive a restart and no key is committed. */
function localJwtSecret(localFolder: string, isRsa: boolean): string {
  const path = `${localFolder}/${isRsa ? 'jwt-key.pem' : 'jwt-secret'}`
  if (!existsSync(path)) {
    mkdirSync(localFolder, { recursive: true })
    createAtomically(path, newSigningKey(isRsa ? 'RS256' : 'HS256'))
  }
  return readFileSync(path, 'utf8')
}
