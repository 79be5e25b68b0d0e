import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventName, ROUTE_KEYS, readEvent } from '../support/handler.ts'
import { at, entriesOf, itemsOf, readYaml } from '../support/yaml.ts'

const serverless = readYaml('serverless.yml')
const stages = readYaml('resources/stages.yml')
const STAGES = ['dev', 'prod']

const namesAt = (value: unknown, ...keys: readonly string[]) =>
  entriesOf(at(value, ...keys)).map(([name]) => name)

const events = itemsOf(at(serverless, 'functions', 'auth', 'events'))
const LISTS: Readonly<Record<string, readonly unknown[]>> = {
  'serverless.yml, functions': events.map((event) => at(event, 'httpApi')),
  'openapi.yaml, paths': entriesOf(at(readYaml('openapi.yaml'), 'paths')).flatMap(
    ([path, methods]) => namesAt(methods).map((method) => `${method.toUpperCase()} ${path}`),
  ),
  'resources/stages.yml, hashes': namesAt(stages, 'default', 'hashes'),
  ...Object.fromEntries(
    STAGES.map((stage) => [`resources/stages.yml, ${stage}`, namesAt(stages, stage, 'throttles')]),
  ),
}

for (const [list, routeKeys] of Object.entries(LISTS)) {
  test(`the routes of ${list} are those of ROUTES`, () => {
    assert.deepEqual(routeKeys.toSorted(), ROUTE_KEYS.toSorted())
  })
}

test('each route has an event in events/', () => {
  for (const routeKey of ROUTE_KEYS) {
    assert.equal(readEvent(eventName(routeKey)).routeKey, routeKey)
  }
})

/** Seconds that a request holds the function: per hash of cost 12 on one vCPU, and the rest, cold and warm. */
const [HASH_SECONDS, COLD_SECONDS, WARM_SECONDS] = [0.4, 0.55, 0.1]

for (const stage of STAGES) {
  test(`${stage}: the API lets in no more requests than the function can serve, over all routes`, () => {
    const setting = (...keys: readonly string[]) =>
      Number(at(stages, stage, ...keys) ?? at(stages, 'default', ...keys))
    const memory = Number(at(serverless, 'functions', 'auth', 'memorySize'))
    const hashSeconds = HASH_SECONDS * 2 ** (setting('bcryptCost') - 12) * (1769 / memory)
    const parts = ROUTE_KEYS.map((routeKey) => {
      const hashing = setting('hashes', routeKey) * hashSeconds
      const rate = setting('throttles', routeKey, 'ThrottlingRateLimit')
      const burst = setting('throttles', routeKey, 'ThrottlingBurstLimit')
      assert.ok(rate > 0 && burst > 0, routeKey)
      return burst * (hashing + COLD_SECONDS) + rate * (hashing + WARM_SECONDS)
    })
    const sum = parts.reduce((total, part) => total + part)
    const concurrency = setting('reservedConcurrency')
    assert.ok(sum <= concurrency + 1e-9, `${sum} requests at once, ${concurrency} functions`)
  })
}
