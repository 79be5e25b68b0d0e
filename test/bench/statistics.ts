/** Median and quartiles of measured values, in their own unit. */
export interface Summary {
  readonly median: number
  readonly lower: number
  readonly upper: number
}

/** Summarises at least one value; throws a `RangeError` if there is none. */
export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('There is nothing to summarise.')
  const sorted = values.toSorted((a, b) => a - b)
  /** Interpolates between two neighbours, as R's type 7 and spreadsheets do. */
  const quantile = (share: number): number => {
    const place = share * (sorted.length - 1)
    const below = sorted[Math.floor(place)] ?? Number.NaN
    const above = sorted[Math.ceil(place)] ?? Number.NaN
    return below + (above - below) * (place - Math.floor(place))
  }
  return { median: quantile(0.5), lower: quantile(0.25), upper: quantile(0.75) }
}

/** The median of at least one value. */
export const median = (values: readonly number[]): number => summarise(values).median

/**
 * Summarises the ratios of values measured in pairs. What slows the machine down slows both values of a pair
 * down, so the ratio of pairs is steadier than the ratio of medians.
 */
export function summariseRatios(values: readonly number[], floors: readonly number[]): Summary {
  if (values.length !== floors.length) throw new RangeError('Each value needs a floor of its own.')
  return summarise(values.map((value, index) => value / (floors[index] ?? Number.NaN)))
}

/** Measures two things in turns, and starts every other round with the second. */
export async function inTurns<A, B>(
  rounds: number,
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<{ first: A[]; second: B[] }> {
  const results: { first: A[]; second: B[] } = { first: [], second: [] }
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) results.first.push(await first())
    results.second.push(await second())
    if (round % 2 !== 0) results.first.push(await first())
  }
  return results
}

/** Does the same several times, one after the other. */
export async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let time = 0; time < times; time += 1) results.push(await work())
  return results
}

/** One row of the result. */
export interface Row {
  readonly what: string
  readonly summary: Summary
  /** Left out for a ratio or a count. */
  readonly unit?: 'ms' | 'KB'
  /** Digits after the point that the noise leaves meaningful. */
  readonly digits: number
  /** The budget of the median. */
  readonly atMost: number
  readonly detail: string
}

/** The rows as a Markdown table. */
export function resultTable(rows: readonly Row[]): string {
  const line = ({ what, summary, unit, digits, atMost, detail }: Row) => {
    const { median, lower, upper } = summary
    const quartiles = lower < upper ? `${lower.toFixed(digits)} to ${upper.toFixed(digits)}` : ''
    return `| ${what} | ${[median.toFixed(digits), unit].join(' ').trim()} | ${quartiles} | ${[atMost, unit].join(' ').trim()} | ${detail} |`
  }
  return [
    '| | median | quartiles | at most | |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(line),
  ].join('\n')
}
