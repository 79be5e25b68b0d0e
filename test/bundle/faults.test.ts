import { createRequire } from 'node:module'
import { test } from 'node:test'
import { bundleFunction } from '../support/bundled-function.ts'
import { holdToFaults } from '../support/fault-suite.ts'
import { environment } from '../support/handler.ts'

const { path } = await bundleFunction()

// What runs on AWS has not the SDK's own clients (lib/sdk/), so it is held to the same once more.
test('a fault of the bundle', (t) =>
  holdToFaults(t, async (url) => {
    Object.assign(process.env, environment(url))
    return createRequire(import.meta.url)(path).handler
  }))
