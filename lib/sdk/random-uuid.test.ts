import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindV4, getRandomValues } from './random-uuid.ts'

test('a UUID of version 4 is made without WebCrypto, and is another each time', () => {
  assert.equal(getRandomValues, undefined)
  const v4 = bindV4()
  assert.match(v4(), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  assert.notEqual(v4(), v4())
})
