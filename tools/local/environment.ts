import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { newSigningKey } from '../new-signing-key.ts'
import { createAtomically } from './create-atomically.ts'

/** Where local settings are read from, and kept. */
interface Places {
  readonly envFile: string
  /** A folder that git ignores. */
  readonly localFolder: string
  /** The default of `POWERTOOLS_LOG_LEVEL`; without it only faults are logged. */
  readonly logLevel?: 'INFO' | 'WARN'
}

/**
 * Completes `process.env` for the function to run on this machine: the shell's values first, then those of
 * `.env`, then defaults. What both have for AWS is left out, the files of `~/.aws` too: no real credentials are
 * used, and no setting of the SDK's (FIPS, dual-stack, another endpoint) leads past this machine.
 * `AWS_ENDPOINT_URL_RDS_DATA` is set later, with the local Data API.
 */
export function loadLocalEnvironment({ envFile, localFolder, logLevel = 'WARN' }: Places): void {
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
    POWERTOOLS_LOG_LEVEL: logLevel,
    // On AWS every outcome is a metric too; here nobody collects them.
    POWERTOOLS_METRICS_DISABLED: 'true',
  }
  for (const [name, value] of Object.entries(defaults)) {
    process.env[name] ||= value
  }

  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_') && name !== 'AWS_ENDPOINT_URL_SECRETS_MANAGER') {
      delete process.env[name]
    }
  }
  process.env['AWS_ACCESS_KEY_ID'] = 'local'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'local'
  process.env['AWS_CONFIG_FILE'] = devNull
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = devNull
  // With NODE_USE_ENV_PROXY, Node's fetch would ask the proxy for this machine's own addresses. It reads the
  // lower-case name first.
  const direct = [process.env['no_proxy'] || process.env['NO_PROXY'], 'localhost', '127.0.0.1']
  process.env['no_proxy'] = process.env['NO_PROXY'] = direct.filter(Boolean).join(',')
}

/** This machine's own key, created once, so that tokens outlive a restart and no key is committed. */
function localJwtSecret(localFolder: string, isRsa: boolean): string {
  const path = `${localFolder}/${isRsa ? 'jwt-key.pem' : 'jwt-secret'}`
  if (!existsSync(path)) {
    mkdirSync(localFolder, { recursive: true, mode: 0o700 })
    createAtomically(path, newSigningKey(isRsa ? 'RS256' : 'HS256'))
  }
  return readFileSync(path, 'utf8')
}
