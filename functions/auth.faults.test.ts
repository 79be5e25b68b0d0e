import { test } from 'node:test'
import { holdToFaults } from '../test/support/fault-suite.ts'
import { loadHandler } from '../test/support/handler.ts'

test('a fault', (t) =>
  holdToFaults(t, async (url) => {
    await loadHandler(url)
    return (await import('./auth.ts')).handler
  }))
