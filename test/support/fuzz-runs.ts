/** Returns the number of runs of a property: `quick` in `npm test`, `atLength` in `npm run fuzz`. */
export const fuzzRuns = (quick: number, atLength: number) =>
  process.env['FUZZ_AT_LENGTH'] === 'true' ? atLength : quick
