/** Parameters of a stage by name, as resources/stages.yml and `--param` set them. */
export type Settings = Readonly<Record<string, unknown>>

/**
 * Throws if a stage with `rs256` has an issuer of its own under which verifiers do not find its keys: they append
 * `/.well-known/…` to it (OpenID Connect Discovery 1.0, section 4). An empty query or fragment counts too.
 */
export function checkIssuer({ signing, jwtIssuer }: Settings): void {
  if (signing !== 'rs256' || typeof jwtIssuer !== 'string') return
  if (!/[?#\s]|\/$/.test(jwtIssuer)) return
  throw new Error(
    `jwtIssuer must be a URL without a query, a fragment and a slash at its end, unlike "${jwtIssuer}": verifiers append /.well-known/openid-configuration.`,
  )
}

/**
 * Throws if an origin is not as browsers send it (RFC 6454, section 6.2): API Gateway compares the texts, and gives
 * an unknown origin's preflight a 204 without headers. `https://*` and `http://*` are API Gateway's own patterns.
 */
export function checkOrigins({ corsOrigins }: Settings): void {
  if (corsOrigins === '*') return
  for (const text of String(corsOrigins).split(',')) {
    if (/^https?:\/\/\*$/.test(text)) continue
    const { protocol, host = '' } = URL.parse(text) ?? {}
    const origin = host === '' || host.includes('*') ? undefined : `${protocol}//${host}`
    if (origin === text) continue
    const hint = origin === undefined ? '' : ` Write ${origin} instead.`
    throw new Error(
      `corsOrigins has the invalid origin "${text}".${hint} It is * alone, or a list with commas and no spaces. An origin is a scheme, a host and a port other than the scheme's own, as in https://app.example,http://localhost:5173.`,
    )
  }
}
