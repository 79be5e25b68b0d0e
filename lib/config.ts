import { isLongEnough, JWT_SECRET_MIN_BYTES } from './signing-key.ts'
import type { TokenOptions } from './tokens.ts'

/** What the function needs to know before it can answer; see `.env.example` for every variable. */
export interface Config {
  readonly clusterArn: string
  readonly secretArn: string
  readonly databaseName: string
  readonly signingKey: SigningKeySource
  readonly token: TokenOptions
  /** No password may be it. */
  readonly serviceName: string
  /** bcrypt's cost factor: the hash takes 2^cost rounds. */
  readonly bcryptCost: number
  /** Shortest password accepted, in code points. */
  readonly passwordMinLength: number
}

/** The signing key itself, or the ARN of the secret that holds it. */
export type SigningKeySource =
  | { readonly secret: string }
  | { readonly secretArn: string; readonly refreshSeconds: number }

/** Names every variable that is missing or wrong. Its message never holds a value. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

type Environment = Readonly<Record<string, string | undefined>>

/** The service's name in log lines and metrics; on AWS the stage is in it. Has a default, so never fails. */
export const readServiceName = (env: Environment) => env['POWERTOOLS_SERVICE_NAME'] || 'latchkey'

/**
 * Pure. Throws one {@link ConfigError} that lists all that is wrong with `env`, and before it `found`, which
 * somebody else has found wrong with it.
 */
export function readConfig(env: Environment, found: readonly string[] = []): Config {
  const problems = [...found]

  // A variable set to nothing counts as missing: that is how shells and .env files unset one.
  const optional = (name: string) => env[name] || undefined

  const required = (name: string, wanted: string, valid: (value: string) => boolean) => {
    const value = optional(name)
    if (value === undefined) problems.push(`${name} is missing: set it to ${wanted}`)
    else if (!valid(value)) problems.push(`${name} is wrong: it must be ${wanted}`)
    return value ?? ''
  }

  const wholeNumber = (name: string, fallback: number, least: number, most: number) => {
    const value = optional(name)
    if (value === undefined) return fallback
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
    if (number >= least && number <= most) return number
    problems.push(`${name} is wrong: it must be a whole number from ${least} to ${most}`)
    return fallback
  }

  const isArn = (value: string) => value.startsWith('arn:')

  const signingKey = (): SigningKeySource => {
    const key = `a random key of at least ${JWT_SECRET_MIN_BYTES} bytes`
    const refreshSeconds = wholeNumber('JWT_SECRET_REFRESH_SECONDS', 300, 1, 86_400)
    if (optional('JWT_SECRET_ARN') === undefined) {
      return { secret: required('JWT_SECRET', `${key}, or JWT_SECRET_ARN`, isLongEnough) }
    }
    if (optional('JWT_SECRET') !== undefined) {
      problems.push('JWT_SECRET and JWT_SECRET_ARN are both set: set one of them')
    }
    const secretArn = required('JWT_SECRET_ARN', `the ARN of a secret that is ${key}`, isArn)
    return { secretArn, refreshSeconds }
  }

  const config: Config = {
    clusterArn: required('DB_CLUSTER_ARN', "the Aurora cluster's ARN (arn:…)", isArn),
    secretArn: required('DB_SECRET_ARN', "the ARN of the database user's secret (arn:…)", isArn),
    databaseName: required('DB_NAME', "the database's name", () => true),
    signingKey: signingKey(),
    token: {
      // At most a year: a token cannot be called back.
      ttlSeconds: wholeNumber('JWT_TTL_SECONDS', 3600, 1, 31_536_000),
      issuer: optional('JWT_ISSUER'),
      audience: optional('JWT_AUDIENCE'),
    },
    serviceName: readServiceName(env),
    // Below 10 is under OWASP's minimum for bcrypt; 16 and more can outlast the gateway's 30 s.
    bcryptCost: wholeNumber('BCRYPT_COST', 12, 10, 15),
    // 8 is the floor of NIST SP 800-63B and ASVS 6.2.1; above 64 is more than NIST lets a verifier ask.
    passwordMinLength: wholeNumber('PASSWORD_MIN_LENGTH', 8, 8, 64),
  }

  if (problems.length > 0) {
    throw new ConfigError(`The environment is not complete. ${problems.join('. ')}.`)
  }
  return config
}
