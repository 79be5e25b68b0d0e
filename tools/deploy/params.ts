import type { Settings } from './settings.ts'

/** Values of `--param` by name. */
type Params = Readonly<Record<string, string>>

/** Reads values of `--param`, the last of each name, as the framework does. Throws unless each is `name=value`. */
export function readParams(texts: readonly string[]): Params {
  const params = texts.map((text) => {
    const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text.trimEnd()) ?? []
    if (name !== '') return [name, value]
    throw new Error(`--param is name=value, where the value is not empty, unlike "${text}".`)
  })
  return Object.fromEntries(params)
}

/**
 * Returns the parameters that a deployed template was given. resources/outputs.yml records them; for a stack of an
 * earlier release they are those that its template shows, given or not.
 */
export function deployedParams(template: unknown): Params {
  const recorded: unknown = Object(template).Metadata?.Params
  if (recorded === undefined) return visibleParams(template)
  return readParams([recorded].flat().map(String).filter(Boolean))
}

/** Reads parameters from where a template has them. Those of a stage's capacity are left out: releases change them. */
function visibleParams(template: unknown): Params {
  const { Parameters, Resources } = Object(template)
  const { Environment, FunctionName } = Object(Resources?.AuthLambdaFunction?.Properties)
  const variables = Object(Environment?.Variables)
  const { DatabaseName, DeletionProtection } = Object(Resources?.DatabaseCluster?.Properties)
  // With RS256 the stage's name is the default.
  const isOwnAudience = FunctionName !== `latchkey-${variables.JWT_AUDIENCE}-auth`
  const values = {
    alarmEmail: Parameters?.AlarmEmail?.Default,
    bcryptCost: variables.BCRYPT_COST,
    certificateArn: Parameters?.CertificateArn?.Default,
    corsOrigins:
      Resources?.HttpApi?.Properties?.CorsConfiguration?.AllowOrigins?.['Fn::Split']?.[1],
    databaseName: DatabaseName,
    deletionProtection: DeletionProtection,
    domain: Parameters?.DomainName?.Default,
    jwtAudience: isOwnAudience ? variables.JWT_AUDIENCE : undefined,
    jwtIssuer: variables.JWT_ISSUER,
    jwtTtlSeconds: variables.JWT_TTL_SECONDS,
    passwordMinLength: variables.PASSWORD_MIN_LENGTH,
    permissionsBoundary: Resources?.IamRoleLambdaExecution?.Properties?.PermissionsBoundary,
    signing: variables.JWT_ALGORITHM === 'RS256' ? 'rs256' : undefined,
  }
  // An object is CloudFormation's own value, such as the issuer that follows the URL.
  const given = Object.entries(values).filter(([, value]) =>
    /^(string|boolean)$/.test(typeof value),
  )
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]))
}

/**
 * Throws if a deployment of `settings` would undo a parameter of the deployed template: `settings` has another value,
 * `given` does not name it, and neither does `reset`.
 */
export function checkParams(
  template: unknown,
  { settings, given, reset }: { settings: Settings; given: Params; reset: readonly string[] },
): void {
  const undone = Object.entries(deployedParams(template)).filter(
    ([name, value]) =>
      String(settings[name] ?? '') !== value && !(name in given) && !reset.includes(name),
  )
  if (undone.length === 0) return
  const changes = undone.map(
    ([name, value]) => `${name} from "${value}" to "${settings[name] ?? ''}"`,
  )
  const params = undone.map(([name, value]) => `--param ${name}=${value}`)
  const names = undone.map(([name]) => name)
  throw new Error(
    `This would change what an earlier deployment was given: ${changes.join(', ')}. To keep it, write it into the stage's row in resources/stages.yml, or repeat ${params.join(' ')}. To change it, add --reset-params ${names.join(',')} (docs/deploy.md).`,
  )
}
