type Environment = Readonly<Record<string, string | undefined>>

/** AWS's partitions by the start of their regions' names; what is in none of them is in `aws`. */
const SUFFIXES: readonly (readonly [regions: RegExp, suffix: string])[] = [
  [/^cn-/, 'amazonaws.com.cn'],
  [/^eusc-/, 'amazonaws.eu'],
  [/^us-iso-/, 'c2s.ic.gov'],
  [/^us-isob-/, 'sc2s.sgov.gov'],
  [/^eu-isoe-/, 'cloud.adc-e.uk'],
  [/^us-isof-/, 'csp.hci.ic.gov'],
  [/^/, 'amazonaws.com'],
]

/** A service, as far as a request has to know. */
export interface ServiceEndpoint {
  readonly region: string
  readonly url: URL
}

/**
 * Where a service is: where `AWS_ENDPOINT_URL_<VARIABLE>` or `AWS_ENDPOINT_URL` says, else where AWS has it in
 * `AWS_REGION`, with `AWS_USE_FIPS_ENDPOINT=true` at its FIPS endpoint. Throws without a
 * region, and at an address of one's own that is to be FIPS's or has more than a plain path.
 */
export function serviceEndpoint(
  env: Environment,
  service: string,
  variable: string,
): ServiceEndpoint {
  const region = env['AWS_REGION']
  if (!region) throw new TypeError('There is no region: set AWS_REGION.')
  const fips = env['AWS_USE_FIPS_ENDPOINT'] === 'true'
  const own = env[`AWS_ENDPOINT_URL_${variable}`] || env['AWS_ENDPOINT_URL']
  if (own) {
    if (fips) throw new TypeError('AWS_USE_FIPS_ENDPOINT goes with no AWS_ENDPOINT_URL.')
    const url = new URL(own)
    // Anything else would have to be escaped for the signature.
    if (!/^(\/[\w.~-]+)*\/?$/.test(url.pathname) || url.search !== '') {
      throw new TypeError('AWS_ENDPOINT_URL must have a plain path, and no query.')
    }
    return { region, url }
  }
  const suffix = SUFFIXES.find(([regions]) => regions.test(region))?.[1]
  const host = `${service}${fips ? '-fips' : ''}.${region}.${suffix}`
  return { region, url: new URL(`https://${host}`) }
}
