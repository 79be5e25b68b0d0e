import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { CryptoKey } from 'jose'
import { fixedKey, type SecretVersion, storedKeys } from './signing-key.ts'

const ONE = 'the first key, of more than 32 bytes'
const TWO = 'the second key, of more than 32 bytes'

/** Which of the two secrets a key signs with. */
async function secretOf(key: CryptoKey): Promise<string | undefined> {
  const signature = Buffer.from(
    await crypto.subtle.sign('HMAC', key, Buffer.from('text')),
  ).toString('hex')
  return [ONE, TWO].find(
    (secret) => createHmac('sha256', secret).update('text').digest('hex') === signature,
  )
}

/**
 * Stored keys with a clock that the test moves. `results` are what the reads of the current version give, in
 * order; `previous`, which a test may change, is what all reads of the one before give.
 */
function stored(...results: (string | Error | Promise<string>)[]) {
  const test = { now: 0, previous: undefined as string | Error | undefined }
  const reads: SecretVersion[] = []
  const current = () => reads.filter((version) => version === 'AWSCURRENT').length
  const ring = storedKeys({
    read: async (version) => {
      const result = version === 'AWSCURRENT' ? results[current()] : test.previous
      reads.push(version)
      if (version === 'AWSCURRENT' && result === undefined) throw result
      if (result instanceof Error) throw result
      return result
    },
    refreshAfterMilliseconds: 1000,
    now: () => test.now,
  })
  const load = async () => (await ring.load())[0]
  const secretsOf = async (keys: Promise<readonly CryptoKey[]>) =>
    Promise.all((await keys).map(secretOf))
  /** Moves the clock on, and lets a refresh that nobody waits for end. */
  async function loadAt(now: number) {
    test.now = now
    await load()
    for (let turns = 0; turns < 10; turns += 1) await turnOfTheLoop()
  }
  const signing = async () => secretOf(await load())
  return { ring, test, load, loadAt, signing, secretsOf, reads: current, all: reads }
}

test('a fixed key is the bytes of the secret, imported once, cannot be read back, and signs and verifies', async () => {
  const { load, reload } = fixedKey(ONE)
  const [key, ...others] = await load()
  assert.deepEqual([await secretOf(key), others], [ONE, []])
  assert.equal(await load(), await reload())
  const { extractable, usages } = key
  assert.deepEqual({ extractable, usages }, { extractable: false, usages: ['sign', 'verify'] })
})

test('a stored key is read and imported once, by however many requests at once, and kept', async () => {
  const { load, loadAt, signing, reads } = stored(ONE)
  const [first, second] = await Promise.all([load(), load()])
  assert.equal(first, second)
  await loadAt(999)
  assert.equal(await load(), first)
  assert.equal(await signing(), ONE)
  assert.equal(reads(), 1)
})

test('an aged key signs while it is read again, and then the new one does', async () => {
  const { load, loadAt, signing, reads } = stored(ONE, TWO)
  await load()
  await loadAt(999)
  assert.equal(reads(), 1)
  const aged = loadAt(1000)
  assert.equal(await signing(), ONE)
  await aged
  assert.equal(await signing(), TWO)
  assert.equal(reads(), 2)
})

test('an aged key is read again once, however long that read takes', async () => {
  const { load, loadAt, signing, reads } = stored(ONE, new Promise<string>(() => {}))
  await load()
  for (const now of [1000, 2000, 3000, 4000]) await loadAt(now)
  assert.equal(await signing(), ONE)
  assert.equal(reads(), 2)
})

test('a refresh that fails leaves the kept key in force until the next refresh', async () => {
  const { load, loadAt, signing, reads } = stored(ONE, new Error('outage'), TWO)
  await load()
  await loadAt(1000)
  await loadAt(1999)
  assert.equal(await signing(), ONE)
  assert.equal(reads(), 2)
  await loadAt(2000)
  assert.equal(await signing(), TWO)
})

test('a first read that fails rejects with its cause, and the next call reads again', async () => {
  const outage = new Error('outage')
  const { load, signing } = stored(outage, ONE)
  await assert.rejects(load(), { name: 'SigningKeyError', cause: outage })
  assert.equal(await signing(), ONE)
})

test('a secret of 31 bytes is rejected, and the error names the variable and not the value', async () => {
  const { load } = stored('x'.repeat(31), 'x'.repeat(32))
  const message = /^(?!.*xxx).*JWT_SECRET_ARN is shorter than 32 bytes/
  await assert.rejects(load(), { name: 'SigningKeyError', message })
  await load()
})

test('the first read is of the current version alone, and a reload adds the one before', async () => {
  const { ring, test, all, secretsOf } = stored(TWO, TWO)
  test.previous = ONE
  assert.deepEqual(await secretsOf(ring.load()), [TWO])
  assert.deepEqual(all, ['AWSCURRENT'])
  assert.deepEqual(await secretsOf(ring.reload()), [TWO, ONE])
  assert.deepEqual(await secretsOf(ring.load()), [TWO, ONE])
  assert.deepEqual(all, ['AWSCURRENT', 'AWSCURRENT', 'AWSPREVIOUS'])
})

test('a version before that is gone, or too short to have signed, is left out at the next read', async () => {
  for (const previous of [undefined, 'x'.repeat(31)]) {
    const { ring, test, loadAt, secretsOf } = stored(TWO, TWO, TWO)
    test.previous = ONE
    await ring.load()
    assert.deepEqual(await secretsOf(ring.reload()), [TWO, ONE])
    test.previous = previous
    await loadAt(1000)
    assert.deepEqual(await secretsOf(ring.load()), [TWO])
  }
})

test('a reload reads at most once in 10 s, however many ask, and all get what it reads', async () => {
  const { ring, test, secretsOf, reads } = stored(ONE, TWO, ONE, TWO)
  await ring.load()
  const both = await Promise.all([secretsOf(ring.reload()), secretsOf(ring.reload())])
  assert.deepEqual(both, [[TWO], [TWO]])
  test.now = 999
  assert.deepEqual(await secretsOf(ring.reload()), [TWO])
  assert.equal(reads(), 2)
  test.now = 10_000
  assert.deepEqual(await secretsOf(ring.reload()), [ONE])
})

test('a reload that fails leaves the kept keys, also if only the version before cannot be read', async () => {
  const outage = stored(ONE, new Error('outage'))
  await outage.load()
  assert.deepEqual(await outage.secretsOf(outage.ring.reload()), [ONE])
  const half = stored(ONE, TWO)
  await half.load()
  half.test.previous = new Error('outage')
  assert.deepEqual(await half.secretsOf(half.ring.reload()), [ONE])
})
