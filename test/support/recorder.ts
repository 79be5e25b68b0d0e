/**
 * Wraps `deps` so that `calls` lists each call as the function's name and its arguments, in order. Functions that
 * resolve with a function, such as a signer, are recorded once, when they are called.
 */
export function record<Deps extends object>(deps: Deps) {
  const calls: unknown[][] = []
  const recorded = new Proxy(deps, {
    get(target, name) {
      const dep: unknown = Reflect.get(target, name)
      if (typeof dep !== 'function') return dep
      return (...args: unknown[]) => {
        calls.push([name, ...args])
        return Reflect.apply(dep, target, args)
      }
    },
  })
  return { deps: recorded, calls }
}
