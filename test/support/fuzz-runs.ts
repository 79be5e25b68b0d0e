/**
 * How many runs a property gets: the few that `npm test` has time for, or as many as `npm run fuzz` wants,
 * which loads `fuzz-at-length.ts` first.
 */
export const fuzzRuns = (quick: number, atLength: number) =>
  process.env['FUZZ_AT_LENGTH'] === 'true' ? atLength : quick
