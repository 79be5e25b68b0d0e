/** Megabytes of memory at which Lambda gives one whole vCPU (AWS Lambda's guide, "Configure memory"). */
export const MB_PER_VCPU = 1769

/** AWS's list price for arm64 in us-east-1, in US dollars, as in README's table of costs. */
const DOLLARS_PER_GB_SECOND = 0.0000133334
const DOLLARS_PER_MILLION_REQUESTS = 0.2

/** Assumed, not measured: a round trip to the Data API on AWS. */
export const CALL_SECONDS = 0.1

/** Memory sizes that README tells the price of, in MB. */
export const MEMORY_SIZES = [512, 1024, 1769, 3008] as const

/** A sign-up in a function of some memory. */
export interface Cost {
  readonly megabytes: number
  readonly hashSeconds: number
  readonly seconds: number
  readonly dollarsPerMillion: number
}

/**
 * What a sign-up takes and a million of them cost in a function of `megabytes`, if its hash takes
 * `hashMilliseconds` on a whole vCPU. The hash has one thread: of a part of a vCPU it gets that part,
 * and of more than one it gets one.
 */
export function costOf(megabytes: number, hashMilliseconds: number): Cost {
  const hashSeconds = (hashMilliseconds / 1000) * Math.max(1, MB_PER_VCPU / megabytes)
  const seconds = hashSeconds + CALL_SECONDS
  const gigabyteSeconds = 1e6 * seconds * (megabytes / 1024)
  return {
    megabytes,
    hashSeconds,
    seconds,
    dollarsPerMillion: gigabyteSeconds * DOLLARS_PER_GB_SECOND + DOLLARS_PER_MILLION_REQUESTS,
  }
}

/** README's table of costs, in Markdown, for a hash that takes that long on a whole vCPU. */
export function costTable(hashMilliseconds: number): string {
  const hash = (hashMilliseconds / 1000).toFixed(2)
  const call = CALL_SECONDS.toFixed(2)
  const rows = MEMORY_SIZES.map((megabytes) => {
    const { hashSeconds, seconds, dollarsPerMillion } = costOf(megabytes, hashMilliseconds)
    return `| ${megabytes} MB | ${hashSeconds.toFixed(2)} s | ${seconds.toFixed(2)} s | ${dollarsPerMillion.toFixed(2)} |`
  })
  return [
    `| memory | hash = ${hash} × max(1, ${MB_PER_VCPU} / MB) | sign-up = hash + ${call} | a million, in dollars = 10⁶ × sign-up × MB / 1024 × ${DOLLARS_PER_GB_SECOND} + ${DOLLARS_PER_MILLION_REQUESTS.toFixed(2)} |`,
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}
