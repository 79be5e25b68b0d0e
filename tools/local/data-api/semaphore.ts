/**
 * Returns a function that waits for one of `places` places, in the order of the calls. It resolves with the
 * function that releases the place, which is safe to call twice.
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
      // The place is handed on without being free in between, so that no later caller overtakes.
      if (next === undefined) free += 1
      else next()
    }
  }
}
