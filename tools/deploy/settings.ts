/** Parameters of a stage by name, as resources/stages.yml and `--param` set them. */
export type Settings = Readonly<Record<string, unknown>>

/**
 * Throws if a stage with `rs256` has an issuer of its own under which verifiers do not find its keys: they append
 * `/.well-known/…` to it (OpenID Connect Discovery 1.0, section 4). An empty query or fragment counts too.
 */
export function checkIssuer({ signing, jwtIssuer }: Settings): void {
  if (signing !== 'rs256' || typeof jwtIssuer !== 'string') return
  if (!/[?#]|\/$/.test(jwtIssuer)) return
  throw new Error(
    `jwtIssuer must be a URL without a query, a fragment and a slash at its end, unlike "${jwtIssuer}": verifiers append /.well-known/openid-configuration.`,
  )
}
