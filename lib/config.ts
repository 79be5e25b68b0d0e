import {
  ALGORITHMS,
  type Algorithm,
  parseSigningKey,
  type SigningKey,
  WANTED_KEY,
} from './adapters/signing-key.ts'
import type { TokenOptions } from './adapters/tokens.ts'
import { LoggableError } from './faults/loggable-error.ts'

/** The function's validated settings; `.env.example` describes every variable. */
export interface Config {
  readonly clusterArn: string
  readonly secretArn: string
  readonly databaseName: string
  /** The algorithm that signs tokens. */
  readonly algorithm: Algorithm
  readonly signingKey: SigningKeySource
  readonly token: TokenOptions
  /** A password that equals it is rejected. */
  readonly serviceName: string
  /** bcrypt's cost factor: the hash takes 2^cost rounds. */
  readonly bcryptCost: number
  /** Minimum length of a password, in code points. */
  readonly passwordMinLength: number
  /** Life of a session in days; it also ends after half of that without a renewal. */
  readonly sessionMaxDays: number
}

/** The signing key itself, or the ARN of the secret that holds it. */
type SigningKeySource =
  | { readonly key: SigningKey }
  | { readonly secretArn: string; readonly refreshSeconds: number }

/** Default age in seconds at which a stored key is refreshed. */
export const KEY_REFRESH_SECONDS = 300

/** Names every variable that is missing or invalid. */
export class ConfigError extends LoggableError {
  override name = 'ConfigError'
}

type Environment = Readonly<Record<string, string | undefined>>

const BOOLEAN = ['true or false', /^(true|false)$/i] as const

/**
 * Variables that Powertools itself reads. It throws if some are invalid, and silently ignores others. An empty
 * boolean is invalid too.
 */
const POWERTOOLS_VARIABLES: Readonly<Record<string, readonly [wanted: string, valid: RegExp]>> = {
  POWERTOOLS_LOG_LEVEL: [
    'TRACE, DEBUG, INFO, WARN, ERROR, CRITICAL or SILENT',
    /^(|trace|debug|info|warn|error|critical|silent)$/i,
  ],
  POWERTOOLS_METRICS_DISABLED: BOOLEAN,
  POWERTOOLS_LOGGER_LOG_EVENT: BOOLEAN,
  POWERTOOLS_DEV: BOOLEAN,
  POWERTOOLS_LOGGER_SAMPLE_RATE: ['a number from 0 to 1', /^(|0|1|0?\.\d+|1\.0+)$/],
}

/** Returns the service's name for log lines and metrics; on AWS it ends with the stage. Never throws. */
export const readServiceName = (env: Environment) => env['POWERTOOLS_SERVICE_NAME'] || 'latchkey'

/** Returns the release that the deployment has set, for log lines. Never throws. */
export const readServiceVersion = (env: Environment) => env['SERVICE_VERSION'] || undefined

/** Reads the settings from `env` alone. Throws one {@link ConfigError} that lists every problem. */
export function readConfig(env: Environment): Config {
  const problems: string[] = []

  for (const [name, [wanted, valid]] of Object.entries(POWERTOOLS_VARIABLES)) {
    const value = env[name]
    if (value !== undefined && !valid.test(value)) {
      problems.push(`${name} is wrong: it must be ${wanted}`)
    }
  }

  // An empty variable counts as missing: shells and .env files unset one that way.
  const optional = (name: string) => env[name] || undefined

  const required = (name: string, wanted: string, valid: (value: string) => boolean) => {
    const value = optional(name)
    if (value === undefined) problems.push(`${name} is missing: set it to ${wanted}`)
    else if (!valid(value)) problems.push(`${name} is wrong: it must be ${wanted}`)
    return value ?? ''
  }

  const wholeNumber = (name: string, fallback: number, min: number, max: number) => {
    const value = optional(name)
    if (value === undefined) return fallback
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    problems.push(`${name} is wrong: it must be a whole number from ${min} to ${max}`)
    return fallback
  }

  const isArn = (value: string) => value.startsWith('arn:')

  const readAlgorithm = (): Algorithm => {
    const value = optional('JWT_ALGORITHM') ?? 'HS256'
    const algorithm = ALGORITHMS.find((known) => known === value)
    if (algorithm === undefined) {
      problems.push(`JWT_ALGORITHM is wrong: it must be ${ALGORITHMS.join(' or ')}`)
    }
    return algorithm ?? 'HS256'
  }
  const algorithm = readAlgorithm()

  const readSigningKey = (): SigningKeySource | undefined => {
    const wanted = WANTED_KEY[algorithm]
    const refreshSeconds = wholeNumber('JWT_SECRET_REFRESH_SECONDS', KEY_REFRESH_SECONDS, 1, 86_400)
    if (optional('JWT_SECRET_ARN') === undefined) {
      const isKey = (text: string) => parseSigningKey(text)?.algorithm === algorithm
      const key = parseSigningKey(required('JWT_SECRET', `${wanted}, or JWT_SECRET_ARN`, isKey))
      return key && { key }
    }
    if (optional('JWT_SECRET') !== undefined) {
      problems.push('JWT_SECRET and JWT_SECRET_ARN are both set: set one of them')
    }
    const secretArn = required('JWT_SECRET_ARN', `the ARN of a secret that is ${wanted}`, isArn)
    return { secretArn, refreshSeconds }
  }

  const { signingKey, ...config } = {
    clusterArn: required('DB_CLUSTER_ARN', "the Aurora cluster's ARN (arn:…)", isArn),
    secretArn: required('DB_SECRET_ARN', "the ARN of the database user's secret (arn:…)", isArn),
    databaseName: required('DB_NAME', "the database's name", () => true),
    algorithm,
    signingKey: readSigningKey(),
    token: {
      // At most a year: other services that verify a token do not see that it is revoked.
      ttlSeconds: wholeNumber('JWT_TTL_SECONDS', 3600, 1, 31_536_000),
      issuer: optional('JWT_ISSUER'),
      audience: optional('JWT_AUDIENCE'),
    },
    serviceName: readServiceName(env),
    // OWASP's minimum for bcrypt is 10; a hash of 16 or more can outlast the gateway's 30 s.
    bcryptCost: wholeNumber('BCRYPT_COST', 12, 10, 15),
    // 8 is the minimum of NIST SP 800-63B and ASVS 6.2.1; NIST allows no verifier to require more than 64.
    passwordMinLength: wholeNumber('PASSWORD_MIN_LENGTH', 8, 8, 64),
    // 30 is the maximum of NIST SP 800-63B-4, 2.1.3, for AAL1.
    sessionMaxDays: wholeNumber('SESSION_MAX_DAYS', 30, 1, 365),
  }

  if (signingKey && problems.length === 0) return { ...config, signingKey }
  throw new ConfigError(`Invalid environment. ${problems.join('. ')}.`)
}
