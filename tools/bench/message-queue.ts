/** Messages in the order in which they came, whether they are asked for before that or after. */
export function createMessageQueue() {
  const came: string[] = []
  const asked: PromiseWithResolvers<string>[] = []
  let ended: Error | undefined
  return {
    put(message: string): void {
      const first = asked.shift()
      if (first) first.resolve(message)
      else came.push(message)
    },
    /** Rejects once the queue has ended and is empty. */
    async take(): Promise<string> {
      const message = came.shift()
      if (message !== undefined) return message
      if (ended) throw ended
      const taker = Promise.withResolvers<string>()
      asked.push(taker)
      return taker.promise
    },
    /** No more will come: whoever waits gets `reason`. */
    end(reason: Error): void {
      ended = reason
      for (const taker of asked.splice(0)) taker.reject(reason)
    },
  }
}
