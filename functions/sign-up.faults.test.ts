import { test } from 'node:test'
import { holdToFaults } from '../lib/testing/fault-suite.ts'
import { loadHandler } from '../lib/testing/handler.ts'

test('a fault', (t) =>
  holdToFaults(t, async (url) => {
    await loadHandler(url)
    return (await import('./sign-up.ts')).handler
  }))
