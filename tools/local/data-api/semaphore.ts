/**
 * Lets `places` callers in at a time, and the others in the order of their calls. Resolves with the function
 * that releases the place, which is safe to call twice.
 */
export function createSemaphore(places: number): () => Promise<() => void> {
  const waiting: (() => void)[] = []
  let free = places

  return async function acquire() {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    let held = true
    return function release() {
      if (!held) return
      held = false
      const next = waiting.shift()
      // The place is handed on without being free in between, so that nobody overtakes.
      if (next === undefined) free += 1
      else next()
    }
  }
}
