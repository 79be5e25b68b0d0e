import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { fixedKey, SigningKeyError, storedKey } from './signing-key.ts'

const ONE = 'the first key, of more than 32 bytes'
const TWO = 'the second key, of more than 32 bytes'

const textOf = async (key: Promise<KeyObject>) => (await key).export().toString()

/** A stored key with a clock that stands, and reads that are counted and answered by the test. */
function stored() {
  const clock = { now: 0 }
  const answers: (string | Error)[] = []
  let reads = 0
  const load = storedKey({
    read: async () => {
      reads += 1
      const answer = answers.shift()
      if (typeof answer === 'string') return answer
      throw answer ?? new Error('No answer was left.')
    },
    refreshAfterMilliseconds: 1000,
    now: () => clock.now,
  })
  return { load, clock, answers, reads: () => reads }
}

/** Lets a read that nobody waits for come to its end. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('a fixed key is the bytes of the secret', async () => {
  assert.equal(await textOf(fixedKey(ONE)()), ONE)
})

test('a stored key is read once, by however many at once, and kept', async () => {
  const { load, answers, reads, clock } = stored()
  answers.push(ONE)
  assert.deepEqual(await Promise.all([textOf(load()), textOf(load())]), [ONE, ONE])
  clock.now = 999
  assert.equal(await textOf(load()), ONE)
  assert.equal(reads(), 1)
})

test('an aged key still signs while the new one is read, and then the new one does', async () => {
  const { load, answers, reads, clock } = stored()
  answers.push(ONE, TWO)
  await load()
  clock.now = 1000
  assert.equal(await textOf(load()), ONE)
  await settle()
  assert.equal(await textOf(load()), TWO)
  assert.equal(reads(), 2)
})

test('an aged key is read again once, however long that read takes', async () => {
  const clock = { now: 0 }
  let reads = 0
  const load = storedKey({
    read: () => {
      reads += 1
      return reads === 1 ? Promise.resolve(ONE) : new Promise(() => {})
    },
    refreshAfterMilliseconds: 1000,
    now: () => clock.now,
  })
  await load()
  for (clock.now = 1000; clock.now <= 5000; clock.now += 1000)
    assert.equal(await textOf(load()), ONE)
  assert.equal(reads, 2)
})

test('a refresh that fails leaves the kept key in force until the next one', async () => {
  const { load, answers, reads, clock } = stored()
  answers.push(ONE, new Error('outage'), TWO)
  await load()
  clock.now = 1000
  await load()
  await settle()
  assert.equal(await textOf(load()), ONE)
  assert.equal(reads(), 2)
  clock.now = 2000
  await load()
  await settle()
  assert.equal(await textOf(load()), TWO)
})

test('a first read that fails rejects with its cause, and the next call tries again', async () => {
  const { load, answers } = stored()
  const outage = new Error('outage')
  answers.push(outage, ONE)
  await assert.rejects(load(), (error) => {
    return error instanceof SigningKeyError && error.cause === outage
  })
  assert.equal(await textOf(load()), ONE)
})

test('a secret of 31 bytes is no key, and the error names the variable and not the value', async () => {
  const { load, answers } = stored()
  answers.push('x'.repeat(31))
  await assert.rejects(load(), (error) => {
    assert.ok(error instanceof SigningKeyError)
    assert.match(error.message, /JWT_SECRET_ARN is shorter than 32 bytes/)
    assert.doesNotMatch(error.message, /xxx/)
    return true
  })
})
