import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import { dictionary } from '@zxcvbn-ts/language-common'
import { commonPasswords } from '../../tools/build/common-passwords-source.ts'
import { isCommonPassword } from './common-passwords.ts'
import { COMMON_PASSWORDS } from './common-passwords-list.ts'

const lengthOf = (password: string) => [...password].length

test('the list is the one that npm run common-passwords generates from its source', () => {
  const packed = brotliDecompressSync(Buffer.from(COMMON_PASSWORDS, 'base64')).toString()
  assert.deepEqual(packed.trim().split('\n'), commonPasswords().sort())
})

for (const minLength of [8, 9, 10, 15, 64]) {
  test(`the 3000 most common passwords of ${minLength} or more characters are rejected, or all if there are fewer`, () => {
    // The source is ranked by frequency.
    const policy = dictionary['passwords-common'].filter((each) => lengthOf(each) >= minLength)
    const top = policy.slice(0, 3000)
    assert.ok(minLength > 9 || top.length === 3000)
    for (const password of top) assert.ok(isCommonPassword(password), password)
  })
}

test('every entry is in lower case and has 8 or more characters, so it can match', () => {
  for (const password of commonPasswords()) {
    assert.equal(password, password.toLowerCase().normalize('NFC'))
    assert.ok(lengthOf(password) >= 8 && !/\s/.test(password), password)
  }
})

test('a part of a common password is not common, nor are two of them joined', () => {
  const two = commonPasswords().sort().slice(0, 2).join('\n')
  const parts = ['assword1', 'passwor', 'password ', 'correct horse', '', 'constructor']
  for (const text of [two, ...parts]) assert.equal(isCommonPassword(text), false, text)
})
