import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { CryptoKey } from 'jose'
import { fixedKey, storedKey } from './signing-key.ts'

const ONE = 'the first key, of more than 32 bytes'
const TWO = 'the second key, of more than 32 bytes'

/** Which of the two secrets a key signs with. */
async function secretOf(key: Promise<CryptoKey>): Promise<string | undefined> {
  const signature = Buffer.from(
    await crypto.subtle.sign('HMAC', await key, Buffer.from('text')),
  ).toString('hex')
  return [ONE, TWO].find(
    (secret) => createHmac('sha256', secret).update('text').digest('hex') === signature,
  )
}

/** A stored key with a clock that the test moves; `results` are what its reads give, in order. */
function stored(...results: (string | Error | Promise<string>)[]) {
  const clock = { now: 0 }
  let reads = 0
  const load = storedKey({
    read: async () => {
      const result = results[reads]
      reads += 1
      if (result === undefined || result instanceof Error) throw result
      return result
    },
    refreshAfterMilliseconds: 1000,
    now: () => clock.now,
  })
  /** Moves the clock on, and lets a refresh that nobody waits for end. */
  async function loadAt(now: number) {
    clock.now = now
    await load()
    for (let turns = 0; turns < 10; turns += 1) await turnOfTheLoop()
  }
  return { load, loadAt, reads: () => reads }
}

test('a fixed key is the bytes of the secret, imported once, cannot be read back, and signs only', async () => {
  const load = fixedKey(ONE)
  assert.equal(await secretOf(load()), ONE)
  assert.equal(await load(), await load())
  const { extractable, usages } = await load()
  assert.deepEqual({ extractable, usages }, { extractable: false, usages: ['sign'] })
})

test('a stored key is read and imported once, by however many requests at once, and kept', async () => {
  const { load, loadAt, reads } = stored(ONE)
  const [first, second] = await Promise.all([load(), load()])
  assert.equal(first, second)
  await loadAt(999)
  assert.equal(await load(), first)
  assert.equal(await secretOf(load()), ONE)
  assert.equal(reads(), 1)
})

test('an aged key signs while it is read again, and then the new one does', async () => {
  const { load, loadAt, reads } = stored(ONE, TWO)
  await load()
  await loadAt(999)
  assert.equal(reads(), 1)
  const aged = loadAt(1000)
  assert.equal(await secretOf(load()), ONE)
  await aged
  assert.equal(await secretOf(load()), TWO)
  assert.equal(reads(), 2)
})

test('an aged key is read again once, however long that read takes', async () => {
  const { load, loadAt, reads } = stored(ONE, new Promise<string>(() => {}))
  await load()
  for (const now of [1000, 2000, 3000, 4000]) await loadAt(now)
  assert.equal(await secretOf(load()), ONE)
  assert.equal(reads(), 2)
})

test('a refresh that fails leaves the kept key in force until the next refresh', async () => {
  const { load, loadAt, reads } = stored(ONE, new Error('outage'), TWO)
  await load()
  await loadAt(1000)
  await loadAt(1999)
  assert.equal(await secretOf(load()), ONE)
  assert.equal(reads(), 2)
  await loadAt(2000)
  assert.equal(await secretOf(load()), TWO)
})

test('a first read that fails rejects with its cause, and the next call reads again', async () => {
  const outage = new Error('outage')
  const { load } = stored(outage, ONE)
  await assert.rejects(load(), { name: 'SigningKeyError', cause: outage })
  assert.equal(await secretOf(load()), ONE)
})

test('a secret of 31 bytes is rejected, and the error names the variable and not the value', async () => {
  const { load } = stored('x'.repeat(31), 'x'.repeat(32))
  const message = /^(?!.*xxx).*JWT_SECRET_ARN is shorter than 32 bytes/
  await assert.rejects(load(), { name: 'SigningKeyError', message })
  await load()
})
