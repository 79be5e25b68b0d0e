/** Median and quartiles of what was measured, in its own unit, and of how many values. */
export interface Summary {
  readonly median: number
  readonly lower: number
  readonly upper: number
  readonly count: number
}

/** Summarises at least one value; throws a `RangeError` at none. */
export function summarise(values: readonly number[]): Summary {
  const quantile = quantilesOf(values)
  return {
    median: quantile(0.5),
    lower: quantile(0.25),
    upper: quantile(0.75),
    count: values.length,
  }
}

/** The value in the middle, or between the two in the middle. Throws a `RangeError` at none. */
export const median = (values: readonly number[]): number => quantilesOf(values)(0.5)

/**
 * Summarises the ratios of values that were measured in pairs, the first to the second. What slows the
 * machine down slows both of a pair down, so a ratio of pairs bears noise that a ratio of medians does not.
 */
export function summariseRatios(values: readonly number[], floors: readonly number[]): Summary {
  if (values.length !== floors.length) throw new RangeError('Each value needs a floor of its own.')
  return summarise(values.map((value, index) => value / (floors[index] ?? Number.NaN)))
}

/** Between two neighbours it interpolates, as R's type 7 and spreadsheets do. */
function quantilesOf(values: readonly number[]) {
  if (values.length === 0) throw new RangeError('There is nothing to summarise.')
  const sorted = values.toSorted((a, b) => a - b)
  return (share: number): number => {
    const place = share * (sorted.length - 1)
    const below = sorted[Math.floor(place)] ?? Number.NaN
    const above = sorted[Math.ceil(place)] ?? Number.NaN
    return below + (above - below) * (place - Math.floor(place))
  }
}
