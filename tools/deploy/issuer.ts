/**
 * Throws if a stage with `rs256` has an issuer of its own under which verifiers do not find its keys: they append
 * `/.well-known/…` to it (OpenID Connect Discovery 1.0, section 4). An empty query or fragment counts too.
 */
export function checkIssuer({ signing, jwtIssuer }: Readonly<Record<string, unknown>>): void {
  if (signing !== 'rs256' || typeof jwtIssuer !== 'string') return
  if (!/[?#]|\/$/.test(jwtIssuer)) return
  throw new Error(
    `jwtIssuer must be a URL without a query, a fragment and a slash at its end, unlike "${jwtIssuer}": verifiers append /.well-known/openid-configuration.`,
  )
}
