import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { Engine } from '../../tools/local/data-api/engine.ts'
import { createSemaphore } from '../../tools/local/data-api/semaphore.ts'

/**
 * Creates an engine with one session, like PGlite, and no database. It records statements in `queries`, and throws an
 * error like Node's for `FAIL`.
 */
export function recordingEngine() {
  const queries: string[] = []
  const acquire = createSemaphore(1)
  let sessions = 0
  async function query(text: string) {
    queries.push(text)
    if (text === 'FAIL') throw Object.assign(new Error('broken /var/secret'), { code: 'EPIPE' })
    return { command: text, affectedRows: 0, columns: [], rows: [] }
  }
  const engine: Engine = {
    description: 'nothing but a record',
    async session() {
      sessions += 1
      const release = await acquire()
      return {
        query,
        run: async (text) => void (await query(text)),
        release: async () => release(),
      }
    },
    close: async () => {},
  }
  /** Resolves once that many sessions have been requested. */
  async function asked(count: number) {
    while (sessions < count) await turnOfTheLoop()
  }
  return { engine, queries, asked }
}
