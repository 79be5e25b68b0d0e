/**
 * Lets `places` callers in at a time, the others in the order in which they came. `enter` resolves with
 * the function that leaves again; to call that twice does no harm.
 */
export function createTurnstile(places: number): () => Promise<() => void> {
  const waiting: (() => void)[] = []
  let free = places

  return async function enter() {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    let inside = true
    return function leave() {
      if (!inside) return
      inside = false
      const next = waiting.shift()
      // The place passes on without being free in between, so nobody jumps the queue.
      if (next === undefined) free += 1
      else next()
    }
  }
}
