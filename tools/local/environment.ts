import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { newSigningKey } from '../new-signing-key.ts'

/** Paths of the local settings. */
interface Places {
  readonly envFile: string
  /** A folder that git ignores. */
  readonly localFolder: string
  /** The default of `POWERTOOLS_LOG_LEVEL`; with `WARN` only server errors are logged. */
  readonly logLevel?: 'INFO' | 'WARN'
}

/**
 * Completes `process.env` for the function to run on this machine: the shell's values first, then those of
 * `.env`, then defaults. Every `AWS_` variable and `~/.aws` are left out: no real credentials are used, and no
 * SDK setting (FIPS, dual-stack, endpoint) leads past this machine. `AWS_ENDPOINT_URL_RDS_DATA` is set later.
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
    // Verifiers that fetch the public keys need both; on AWS both are set.
    ...(isRsa && {
      JWT_ISSUER: `http://localhost:${process.env['PORT'] || 3000}`,
      JWT_AUDIENCE: 'local',
    }),
    POWERTOOLS_LOG_LEVEL: logLevel,
    // Nothing collects metrics here.
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
  // With NODE_USE_ENV_PROXY, Node's fetch would send requests to this machine to the proxy. It reads the
  // lower-case name first.
  const direct = [process.env['no_proxy'] || process.env['NO_PROXY'], 'localhost', '127.0.0.1']
  process.env['no_proxy'] = process.env['NO_PROXY'] = direct.filter(Boolean).join(',')
}

/** This machine's own key, created once: tokens outlive a restart, and no key is committed. */
function localJwtSecret(localFolder: string, isRsa: boolean): string {
  const path = `${localFolder}/${isRsa ? 'jwt-key.pem' : 'jwt-secret'}`
  if (existsSync(path)) return readFileSync(path, 'utf8')
  mkdirSync(localFolder, { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, newSigningKey(isRsa ? 'RS256' : 'HS256'), { mode: 0o600 })
  try {
    // A link appears with its content, unlike a new file, and of several processes one creates it.
    linkSync(draft, path)
  } catch (error) {
    if (Object(error).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return readFileSync(path, 'utf8')
}
