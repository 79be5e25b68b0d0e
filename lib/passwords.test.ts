import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare } from 'bcryptjs'
import { createPasswordHasher } from './passwords.ts'

const hashPassword = createPasswordHasher({ cost: 10 })

test('a hash verifies with the password it was made of and with no other', async () => {
  const hash = await hashPassword('correct horse 🔑')
  assert.equal(await compare('correct horse 🔑', hash), true)
  assert.equal(await compare('correct horse 🔒', hash), false)
})

test('the hash is bcrypt, version 2b, and has the cost that was asked for', async () => {
  assert.match(await hashPassword('correct horse'), /^\$2b\$10\$[./A-Za-z0-9]{53}$/)
  const atEleven = createPasswordHasher({ cost: 11 })
  assert.match(await atEleven('correct horse'), /^\$2b\$11\$/)
})

test('two hashes of one password differ, salt and all', async () => {
  const [one, other] = await Promise.all([hashPassword('same'), hashPassword('same')])
  assert.notEqual(one, other)
  // `$2b$10$` and 22 characters of salt.
  assert.notEqual(one.slice(0, 29), other.slice(0, 29))
})

test('the last of 72 bytes still counts', async () => {
  const hash = await hashPassword(`${'x'.repeat(71)}a`)
  assert.equal(await compare(`${'x'.repeat(71)}b`, hash), false)
})
