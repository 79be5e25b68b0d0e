/**
 * Measures two things in turns, `rounds` times, and begins each round with the other one: what the machine
 * does meanwhile meets both alike.
 */
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

/** Does the same a number of times, one after the other. */
export async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let time = 0; time < times; time += 1) results.push(await work())
  return results
}
