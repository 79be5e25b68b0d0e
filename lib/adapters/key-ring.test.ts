import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { signingKey } from '../../test/support/handler.ts'
import { newSigningKey } from '../../tools/new-signing-key.ts'
import { fixedKey, type KeyRing, type Keys, type SecretVersion, storedKeys } from './key-ring.ts'
import type { Algorithm, SigningKey } from './signing-key.ts'

const ONE = 'the first key, of more than 32 bytes'
const TWO = 'the second key, of more than 32 bytes'
const THREE = 'the third key, of more than 32 bytes'
const RSA = newSigningKey('RS256')

/** Returns the secret that a key signs with, or `RS256` for an RSA key. */
async function secretOf({ algorithm, sign }: SigningKey): Promise<string | undefined> {
  if (algorithm === 'RS256') return algorithm
  const signature = Buffer.from(
    await crypto.subtle.sign('HMAC', sign, Buffer.from('text')),
  ).toString('hex')
  return [ONE, TWO, THREE].find(
    (secret) => createHmac('sha256', secret).update('text').digest('hex') === signature,
  )
}

const codesOf = (ring: KeyRing) => ring.takeWarnings().map(({ code }) => code)

/**
 * Creates stored keys with a test clock. Reads of the current version return `results` in order. Reads of the other
 * versions return `pending` and `previous`, which a test may change.
 */
function stored(...results: (string | Error | Promise<string>)[]) {
  const test = {
    now: 0,
    algorithm: 'HS256' as Algorithm,
    pending: undefined as string | Error | undefined,
    previous: undefined as string | Error | undefined,
  }
  const reads: SecretVersion[] = []
  const current = () => reads.filter((version) => version === 'AWSCURRENT').length
  const open = () =>
    storedKeys({
      algorithm: test.algorithm,
      read: async (version) => {
        const others = { AWSPENDING: test.pending, AWSPREVIOUS: test.previous }
        const result = version === 'AWSCURRENT' ? results[current()] : others[version]
        reads.push(version)
        if (version === 'AWSCURRENT' && result === undefined) throw result
        if (result instanceof Error) throw result
        return result
      },
      refreshAfterMilliseconds: 1000,
      now: () => test.now,
    })
  const ring = open()
  const load = async () => (await ring.load())[0]
  const secretsOf = async (keys: Promise<Keys>) => Promise.all((await keys).map(secretOf))
  /** Advances the clock, and waits for the end of a background refresh. */
  async function loadAt(now: number) {
    test.now = now
    await load()
    for (let turns = 0; turns < 10; turns += 1) await turnOfTheLoop()
  }
  const signing = async () => secretOf(await load())
  return { ring, open, test, load, loadAt, signing, secretsOf, reads: current, all: reads }
}

test('a fixed key is the only one', async () => {
  const key = signingKey(ONE)
  const { load, loadAll, reload } = fixedKey(key)
  for (const keys of [await load(), await loadAll(), await reload()]) assert.deepEqual(keys, [key])
})

test('concurrent requests read and import a stored key once, and it is cached', async () => {
  const { load, loadAt, signing, reads } = stored(ONE)
  const [first, second] = await Promise.all([load(), load()])
  assert.equal(first, second)
  await loadAt(999)
  assert.equal(await load(), first)
  assert.equal(await signing(), ONE)
  assert.equal(reads(), 1)
})

test('an aged key signs during its refresh, and then the new one signs', async () => {
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

test('the refresh of a key of twice that age is awaited, and the key stays if the read fails', async () => {
  const { load, test, signing } = stored(ONE, TWO, new Error('outage'))
  await load()
  test.now = 2000
  assert.equal(await signing(), TWO)
  test.now = 4000
  assert.equal(await signing(), TWO)
})

test('an aged key is refreshed by one read, however long it takes', async () => {
  const { load, loadAt, signing, reads } = stored(ONE, new Promise<string>(() => {}))
  await load()
  for (const now of [1000, 2000, 3000, 4000]) await loadAt(now)
  assert.equal(await signing(), ONE)
  assert.equal(reads(), 2)
})

test('a failed refresh leaves the cached key in force until the next one', async () => {
  const { load, loadAt, signing, reads } = stored(ONE, new Error('outage'), TWO)
  await load()
  await loadAt(1000)
  await loadAt(1999)
  assert.equal(await signing(), ONE)
  assert.equal(reads(), 2)
  await loadAt(2000)
  assert.equal(await signing(), TWO)
})

test('a failed first read rejects with its cause, and the next call reads again', async () => {
  const outage = new Error('outage')
  const { load, signing } = stored(outage, ONE)
  await assert.rejects(load(), { name: 'SigningKeyError', cause: outage })
  assert.equal(await signing(), ONE)
})

test('a failed refresh or reload is a warning, one per refresh age', async () => {
  const outage = new Error('outage')
  const { ring, load, loadAt } = stored(ONE, outage, outage, '', TWO)
  await load()
  await loadAt(999)
  assert.deepEqual(ring.takeWarnings(), [])
  await loadAt(1000)
  const [warning, ...others] = ring.takeWarnings()
  assert.equal(warning?.code, 'key_refresh_failed')
  assert.deepEqual([warning?.error?.cause, others], [outage, []])
  await ring.reload()
  assert.deepEqual(ring.takeWarnings(), [])
  await loadAt(2000) // The reload counts as a refresh.
  const [next] = ring.takeWarnings()
  assert.equal(next?.error?.cause, undefined)
  await loadAt(3000)
  assert.deepEqual(ring.takeWarnings(), [])
})

test('a refresh that a frozen process fails is no warning, and the next request waits for another', async () => {
  const read = Promise.withResolvers<string>()
  const { ring, load, loadAt, test, signing } = stored(ONE, read.promise, TWO)
  await load()
  await loadAt(1000)
  test.now = 11_001
  read.reject(new Error('time-out'))
  await loadAt(11_001)
  assert.equal(await signing(), TWO)
  assert.deepEqual(ring.takeWarnings(), [])
})

test('a secret of 31 bytes is rejected, and the error names the variable and not the value', async () => {
  const { load } = stored('x'.repeat(31), 'x'.repeat(32))
  const message = /^(?!.*xxx).*JWT_SECRET_ARN must be a random key of at least 32 bytes/
  await assert.rejects(load(), { name: 'SigningKeyError', message })
  await load()
})

test('the first read takes only the current version, and a reload adds the others', async () => {
  const { ring, test, all, secretsOf } = stored(TWO, TWO)
  test.pending = THREE
  test.previous = ONE
  assert.deepEqual(await secretsOf(ring.load()), [TWO])
  assert.deepEqual(all, ['AWSCURRENT'])
  assert.deepEqual(await secretsOf(ring.reload()), [TWO, THREE, ONE])
  assert.deepEqual(await secretsOf(ring.load()), [TWO, THREE, ONE])
  assert.deepEqual(all, ['AWSCURRENT', 'AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'])
})

test('loadAll reads all versions at once, and shares the pending read of a cold start', async () => {
  const { ring, all, secretsOf } = stored(TWO)
  const cold = ring.load()
  const keys = ring.loadAll()
  // Nothing has been awaited, so no read has returned.
  assert.deepEqual(all, ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'])
  assert.deepEqual(await secretsOf(cold), [TWO])
  assert.deepEqual(await secretsOf(keys), [TWO])
  await ring.loadAll()
  assert.equal(all.length, 3)
})

test('concurrent calls of loadAll read once, and reject rather than return only some keys', async () => {
  const { ring, test, secretsOf, reads } = stored(TWO, TWO, TWO)
  test.previous = new Error('outage')
  await assert.rejects(ring.loadAll(), { name: 'SigningKeyError', cause: test.previous })
  assert.deepEqual(await secretsOf(ring.load()), [TWO])
  test.previous = ONE
  const both = await Promise.all([secretsOf(ring.loadAll()), secretsOf(ring.loadAll())])
  assert.deepEqual(both, [
    [TWO, ONE],
    [TWO, ONE],
  ])
  assert.deepEqual(await secretsOf(ring.loadAll()), [TWO, ONE])
  assert.equal(reads(), 3)
})

test('another version that is gone, or is not a key, is left out at the next read', async () => {
  for (const other of [undefined, 'x'.repeat(31), '-----BEGIN PRIVATE KEY-----'.repeat(2)]) {
    const { ring, test, loadAt, secretsOf } = stored(TWO, TWO, TWO)
    test.previous = ONE
    await ring.load()
    assert.deepEqual(await secretsOf(ring.reload()), [TWO, ONE])
    test.previous = other
    await loadAt(1000)
    assert.deepEqual(await secretsOf(ring.load()), [TWO])
  }
})

test('a key that looks public, or of the former algorithm, stays in force with a warning', async () => {
  const url = 'https://id.example/.well-known/jwks.json'
  for (const [current, pending, previous, secrets, warnings] of [
    [url, undefined, undefined, [undefined], ['key_looks_public']],
    [TWO, undefined, url, [TWO, undefined], ['key_looks_public']],
    [TWO, url, ONE, [TWO, ONE], []],
    // It is the next one.
    [TWO, RSA, ONE, [TWO, 'RS256', ONE], []],
    [TWO, undefined, RSA, [TWO, 'RS256'], ['key_of_former_algorithm']],
  ] as const) {
    const { ring, test, secretsOf } = stored(current, current)
    Object.assign(test, { pending, previous })
    assert.deepEqual(ring.takeWarnings(), [])
    assert.deepEqual(await secretsOf(ring.loadAll()), secrets)
    assert.deepEqual(codesOf(ring), warnings)
    await ring.reload()
    assert.deepEqual(ring.takeWarnings(), [])
  }
})

test('the pending key signs while the current one has another algorithm, which still verifies', async () => {
  const { test, open, secretsOf, all } = stored(ONE, ONE, RSA)
  test.algorithm = 'RS256'
  const message = /JWT_SECRET_ARN must be one PKCS #8 PEM/
  test.previous = RSA // Never signs.
  await assert.rejects(open().load(), { name: 'SigningKeyError', message })
  test.pending = RSA
  test.previous = undefined
  const moving = open()
  assert.deepEqual(await secretsOf(moving.load()), ['RS256', ONE])
  assert.deepEqual(codesOf(moving), ['key_of_former_algorithm'])
  // Once it is the current one, only that version is read.
  const before = all.length
  assert.deepEqual(await secretsOf(open().load()), ['RS256'])
  assert.deepEqual(all.slice(before), ['AWSCURRENT'])
})

test('a reload reads at most once per 10 s, and concurrent calls share its result', async () => {
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

test('a failed reload leaves the cached keys, even if only the previous version cannot be read', async () => {
  const outage = stored(ONE, new Error('outage'))
  await outage.load()
  assert.deepEqual(await outage.secretsOf(outage.ring.reload()), [ONE])
  const half = stored(ONE, TWO)
  await half.load()
  half.test.previous = new Error('outage')
  assert.deepEqual(await half.secretsOf(half.ring.reload()), [ONE])
})
