import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../test/support/fuzz-runs.ts'
import { foldUsername } from './usernames.ts'

/** The names of one account each, by their key. */
const NAMES_BY_KEY: Readonly<Record<string, readonly string[]>> = {
  gary: [
    'gary',
    'GARY',
    'gary\u3164',
    'gary\uFE0F',
    'g\u200Dary',
    'ｇａｒｙ',
    '𝓰𝓪𝓻𝔂',
    'ⓖary',
    ' gary\u00A0',
  ],
  sam: ['sam', 'ſam', 'SAM'],
  fin: ['ﬁn', 'fin', 'FIN'],
  σίσυφοσ: ['σίσυφος', 'ΣΊΣΥΦΟΣ', 'Σίσυφος'.normalize('NFD')],
  strasse: ['straße', 'STRAẞE', 'STRASSE', 'straſſe'],
  ё: ['Ё', 'ё', 'е\u0308'],
  'a b': ['a b', 'A  B', 'a\u3000b', 'a\u00A0\u2009b'],
  '山田 太郎': ['山田\u3000太郎', '山田 太郎'],
  ı: ['ı'],
  i: ['i', 'I', 'İ', 'i\u0307', 'i\u034F\u0307'],
  ì: ['ì', 'İ\u0300', 'ì\u0307'],
  ị: ['ị', 'Ị\u0307', 'i\u0323\u0307'],
  'i\u0316': ['İ\u0316', 'i\u0316'],
  'j\u0307': ['j\u0307'],
  а: ['а', 'А'], // Cyrillic
  a: ['a', 'A'],
  '': ['', '\u3164', '\u200D\uFE0F'],
}

test('names that differ in case, width, compatibility, white space or invisible characters have one key', () => {
  for (const [key, names] of Object.entries(NAMES_BY_KEY)) {
    for (const name of names) assert.equal(foldUsername(name), key, JSON.stringify(name))
  }
})

test('folding a key, or any Unicode form of its name, gives the same key', () => {
  const names = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
  fc.assert(
    fc.property(names, (name) => {
      const key = foldUsername(name)
      for (const form of [
        key,
        ...['NFC', 'NFD', 'NFKC', 'NFKD'].map((form) => name.normalize(form)),
      ]) {
        assert.equal(foldUsername(form), key)
      }
    }),
    { numRuns: fuzzRuns(1000, 100_000) },
  )
})

test('this runtime folds every assigned code point as the runtime of the stored keys did', () => {
  // A new digest means a new Unicode version. Before a release with it, compare both and plan for the stored keys.
  const hash = createHash('sha256')
  let assigned = 0
  for (let point = 0; point <= 0x10ffff; point += 1) {
    const character = String.fromCodePoint(point)
    if (/[\p{Unassigned}\p{Surrogate}]/u.test(character)) continue
    assigned += 1
    hash.update(`${point.toString(16)} ${foldUsername(character)}\n`)
  }
  const digest = 'c38816b4854e5721401620566f741299116da8af4f56317edea9d31a87f3a69a'
  assert.deepEqual([assigned, hash.digest('hex')], [297_334, digest])
})
