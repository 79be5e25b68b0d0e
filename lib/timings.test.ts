import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SignUpDeps } from './sign-up.ts'
import { type Timings, timedDeps } from './timings.ts'

const USER = { id: 7, username: 'gary' }
const NEW_USER = { username: 'gary', passwordHash: 'hash', idempotencyKeySha256: undefined }
const DEPS: SignUpDeps = {
  hashPassword: async (password) => `hash of ${password}`,
  verifyPassword: async (password, hash) => hash === `hash of ${password}`,
  insertUser: async ({ username }) => ({ id: 7, username }),
  findEarlierUser: async (username, key) => ({ id: 7, username, passwordHash: `hash by ${key}` }),
  loadTokenSigner: async () => async () => 'the token',
}

test('timed deps return what the plain ones do, and add both times', async () => {
  const timings: Timings = {}
  const deps = timedDeps(DEPS, timings)
  assert.equal(await deps.hashPassword('secret'), 'hash of secret')
  assert.deepEqual(Object.keys(timings), ['hashMs'])
  assert.deepEqual(await deps.insertUser(NEW_USER), USER)
  assert.equal(await (await deps.loadTokenSigner())(USER), 'the token')
  assert.deepEqual(Object.keys(timings), ['hashMs', 'databaseMs'])
  for (const time of Object.values(timings)) {
    assert.ok(time >= 0 && time < 1000 && Number((time * 10).toFixed(6)) % 1 === 0, `${time}`)
  }
})

test('the second hash and the second statement of a replay are added', async () => {
  const timings: Timings = { hashMs: 1000, databaseMs: 2000 }
  const slow: SignUpDeps = {
    ...DEPS,
    verifyPassword: (...args) => sleep(1).then(() => DEPS.verifyPassword(...args)),
    findEarlierUser: (...args) => sleep(1).then(() => DEPS.findEarlierUser(...args)),
  }
  const deps = timedDeps(slow, timings)
  assert.equal(await deps.verifyPassword('secret', 'hash of secret'), true)
  const earlier = { ...USER, passwordHash: 'hash by key' }
  assert.deepEqual(await deps.findEarlierUser('gary', 'key'), earlier)
  assert.ok(Number(timings.hashMs) > 1000 && Number(timings.databaseMs) > 2000)
})

test('the time of a step that fails is added too', async () => {
  const timings: Timings = {}
  const fails = { ...DEPS, insertUser: () => Promise.reject(new Error('fault')) }
  await assert.rejects(timedDeps(fails, timings).insertUser(NEW_USER), /fault/)
  assert.ok(timings.databaseMs !== undefined)
})
