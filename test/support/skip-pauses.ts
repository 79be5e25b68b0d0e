import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'
import timers from 'node:timers/promises'

/**
 * Until the test `t` ends, the pauses that code takes with `setTimeout` of `node:timers/promises` take no time.
 * Returns their milliseconds, as they come.
 */
export function skipPauses(t: TestContext): readonly number[] {
  const pauses: number[] = []
  t.mock.method(timers, 'setTimeout', async (milliseconds: number) => pauses.push(milliseconds))
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  return pauses
}
