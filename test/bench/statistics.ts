/** A figure of the result: its median and quartiles, in its own unit. */
export interface Row {
  readonly what: string
  readonly median: number
  readonly lower: number
  readonly upper: number
  /** Left out for a ratio. */
  readonly unit?: '%' | 'KB'
  /** Digits after the point that the noise leaves meaningful. */
  readonly digits: number
  /** The bound of the median; a row without one is for information. */
  readonly atMost?: number | undefined
  readonly detail: string
}

/** Computes median and quartiles; throws a `RangeError` without a value. */
export function summarise(values: readonly number[]): Pick<Row, 'median' | 'lower' | 'upper'> {
  if (values.length === 0) throw new RangeError('There is nothing to summarise.')
  const sorted = values.toSorted((a, b) => a - b)
  const quantile = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
  return { median: quantile(0.5), lower: quantile(0.25), upper: quantile(0.75) }
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

/** Repeats the work in sequence. */
export async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let time = 0; time < times; time += 1) results.push(await work())
  return results
}

/** Formats the rows as a Markdown table. */
export function resultTable(rows: readonly Row[]): string {
  const line = ({ what, median, lower, upper, unit, digits, atMost, detail }: Row) => {
    const quartiles = lower < upper ? `${lower.toFixed(digits)} to ${upper.toFixed(digits)}` : ''
    const [found, bound] = [median.toFixed(digits), atMost].map((value) =>
      value === undefined ? '' : [value, unit].join(' ').trim(),
    )
    return `| ${[what, found, quartiles, bound, detail].join(' | ')} |`
  }
  return [
    '| | median | quartiles | at most | |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(line),
  ].join('\n')
}

/** Names the rows whose median breaks its bound. */
export const brokenBounds = (rows: readonly Row[]): string[] =>
  rows
    .filter(({ median, atMost = Number.POSITIVE_INFINITY }) => !(median <= atMost))
    .map(({ what }) => what)
