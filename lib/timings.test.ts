import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SignUpDeps } from './sign-up.ts'
import { type Timings, timedDeps } from './timings.ts'

const DEPS: SignUpDeps = {
  hashPassword: async (password) => `hash of ${password}`,
  insertUser: async (username) => ({ id: 7, username }),
  loadTokenSigner: async () => async () => 'the token',
}

test('timed deps answer as the plain ones do and note both times', async () => {
  const timings: Timings = {}
  const deps = timedDeps(DEPS, timings)
  assert.equal(await deps.hashPassword('secret'), 'hash of secret')
  assert.deepEqual(Object.keys(timings), ['hashMs'])
  assert.deepEqual(await deps.insertUser('gary', 'hash'), { id: 7, username: 'gary' })
  assert.equal(await (await deps.loadTokenSigner())({ id: 7, username: 'gary' }), 'the token')
  assert.deepEqual(Object.keys(timings), ['hashMs', 'databaseMs'])
  for (const time of Object.values(timings)) assert.ok(time >= 0 && Number.isFinite(time))
})

test('the time of a step that fails is noted too', async () => {
  const timings: Timings = {}
  const fails = { ...DEPS, insertUser: () => Promise.reject(new Error('fault')) }
  await assert.rejects(timedDeps(fails, timings).insertUser('gary', 'hash'), /fault/)
  assert.ok(timings.databaseMs !== undefined)
})
