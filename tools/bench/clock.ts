/** What makes a time of this process's `performance.now()` one of the machine's monotonic clock. */
export const CLOCK_OFFSET = calibrate()

/** Milliseconds on the machine's monotonic clock, which is the same in every process of it. */
export const now = (): number => performance.now() + CLOCK_OFFSET

/** Of several readings that one counts which took the least: a first one can take half a millisecond. */
function calibrate(): number {
  let least = Number.POSITIVE_INFINITY
  let offset = 0
  for (let reading = 0; reading < 5; reading += 1) {
    const before = process.hrtime.bigint()
    const between = performance.now()
    const took = Number(process.hrtime.bigint() - before)
    if (took < least) {
      least = took
      offset = (Number(before) + took / 2) / 1e6 - between
    }
  }
  return offset
}
