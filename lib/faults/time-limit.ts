/** A call exceeded its time limit. `fault-policy.ts` recognises it by the name `TimeoutError`. */
class CallTimeout extends Error {
  override name = 'TimeoutError'
}

/**
 * Resolves or rejects as `call` does, or rejects with a `TimeoutError` after `milliseconds` and aborts the signal of
 * `call`. With 0 milliseconds `call` is not made.
 *
 * It does not rely on the signal alone: a response with status 101 leaves the SDK's promise pending forever, even if
 * aborted.
 */
export async function withTimeLimit<T>(
  call: (signal: AbortSignal) => Promise<T>,
  milliseconds: number,
): Promise<T> {
  if (milliseconds === 0) throw new CallTimeout()
  const controller = new AbortController()
  const expired = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    // Rejected first: aborted while it reads a response, the SDK reports a reset connection.
    expired.reject(new CallTimeout())
    controller.abort()
  }, milliseconds)
  try {
    return await Promise.race([call(controller.signal), expired.promise])
  } finally {
    clearTimeout(timer)
  }
}
