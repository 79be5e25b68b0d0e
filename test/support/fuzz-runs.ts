/** How many runs a property gets: few in `npm test`, and many in `npm run fuzz`. */
export const fuzzRuns = (quick: number, atLength: number) =>
  process.env['FUZZ_AT_LENGTH'] === 'true' ? atLength : quick
