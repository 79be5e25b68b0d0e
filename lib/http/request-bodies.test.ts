import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldUsername } from '../accounts/usernames.ts'
import {
  parsePassword,
  parsePasswordChange,
  parseSignIn,
  parseSignUp,
  parseUsernameChange,
  type RequestBodyRejection,
} from './request-bodies.ts'

const PASSWORD = 'correct horse'
const RULES = { passwordMinLength: 8, serviceName: 'shop-dev' }
const parse = (body: unknown) => parseSignUp(body, RULES)
const parseName = (username: unknown) => parse({ username, password: PASSWORD })
const parseNewPassword = (password: unknown) => parse({ username: 'gary', password })
const accepted = (username: string, password: string) => ({
  ok: true,
  value: { username, usernameKey: foldUsername(username), password, session: false },
})

/** Shows a value in a title, with escapes for invisible characters. */
const show = (value: unknown) => {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const escaped = text.replace(/[^\x20-\x7e]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)
  return escaped.length > 40 ? `${escaped.slice(0, 40)}… (${text.length} units)` : escaped
}

const PARSERS = { username: parseName, password: parseNewPassword }

/** Rejected values by reason, whose first word names the parser. */
const REJECTED: Readonly<Partial<Record<RequestBodyRejection, readonly unknown[]>>> = {
  username_missing: [undefined],
  username_not_string: [null, 7, true, ['gary'], { toString: 'gary' }],
  username_not_well_formed: ['\uD800', 'gary\uDC00', '\uDC00\uD800'],
  username_empty: [''],
  // The third is 26 characters that NFC decomposes into two each.
  username_too_long: ['x'.repeat(51), '🔑'.repeat(51), '\u0958'.repeat(26), '\u0300'.repeat(8000)],
  username_outer_space: [' gary', 'gary ', ' ', '\u00A0gary', 'gary\u3000', 'gary\n', '\u2028gary'],
  username_forbidden_character: [
    ...[...'\0\x1B\n\x7F\u202E\u00AD\u0378\uFFFF\uE000\u2028\u2029\u2800\uFFFD\u{E0041}'].map(
      (character) => `ga${character}ry`,
    ),
    '\uFEFFgary',
  ],
  username_leading_mark: ['\u0301gary', '\uFE0Fgary', '\u0E4D'],
  // Hangul fillers, and joiners alone.
  username_invisible: ['\u3164', '\u115F\u1160', '\uFFA0', '\u200D\u200C'],
  password_missing: [undefined],
  password_not_string: [null, 12345678, true, [PASSWORD], {}],
  password_not_well_formed: [`${PASSWORD}\uD800`, `\uDC00${PASSWORD}`],
  // 7 characters of two units each; 8 before, 4 after normalisation.
  password_too_short: ['', '1234567', '🔑'.repeat(7), 'e\u0301'.repeat(4)],
  // 73 bytes; 75 bytes in 25 characters; 36 code points, of which NFC makes 72 of three bytes each.
  password_too_long: ['x'.repeat(73), 'あ'.repeat(25), '\u0958'.repeat(36), '\u0300'.repeat(8000)],
  password_nul: ['\0', `${PASSWORD}\0`, `a\0${PASSWORD}`],
  password_forbidden_character: [`${PASSWORD}\uFFFD`, `\u0378${PASSWORD}`, `${PASSWORD}\uFFFF`],
  password_common: ['password', 'PassWord', '12345678', 'Password123', 'iloveyou'],
}

for (const [reason, values] of Object.entries(REJECTED)) {
  for (const value of values) {
    test(`${reason}: ${show(value)}`, () => {
      const parser = Object.entries(PARSERS).find(([field]) => reason.startsWith(field))?.[1]
      assert.deepEqual(parser?.(value), { ok: false, reason })
    })
  }
}

test('usernames are accepted as typed, up to 50 code points', () => {
  const names = ['x', 'x'.repeat(50), '🔑'.repeat(50), 'Gary', 'Mary Jane', 'Ни́на', '名前', 'ﬁ①']
  for (const name of [...names, 'toString', 'constructor', '__proto__', "Robert'); DROP TABLE"]) {
    assert.partialDeepStrictEqual(parseName(name), accepted(name, PASSWORD))
  }
  const scripts = ['علی\u200Cرضا', 'ශ්\u200Dරී', '山田\u3000太郎', 'น้ำฝน', 'Gary ❤\uFE0F']
  for (const name of [...scripts, 'Mary\u00A0Jane', 'gary\u3164', 'ﷺ'.repeat(50)]) {
    assert.partialDeepStrictEqual(parseName(name), accepted(name, PASSWORD))
  }
})

test('at a sign-in any name is folded, and any password that bcrypt can hash is accepted', () => {
  const signIn = (username: unknown, password: unknown) => parseSignIn({ username, password })
  for (const name of ['ＧＡＲＹ', '', 'x'.repeat(300), '\u202E', '\u0301x']) {
    assert.deepEqual(signIn(name, 'x'), accepted(name, 'x'))
  }
  for (const password of ['x', 'password', 'e\u0301'.repeat(36), '\uFFFD', 'x'.repeat(72)]) {
    assert.deepEqual(signIn('gary', password), accepted('gary', password.normalize('NFC')))
  }
  for (const password of ['', 'x'.repeat(73), 'a\0', '\u0300'.repeat(8000)]) {
    assert.deepEqual(signIn('gary', password), { ok: false, reason: 'invalid_credentials' })
  }
  assert.deepEqual(signIn('ga\0ry', 'x'), { ok: false, reason: 'invalid_credentials' })
  for (const [username, password, reason] of [
    [undefined, 'x', 'username_missing'],
    [7, 'x', 'username_not_string'],
    ['\uD800', 'x', 'username_not_well_formed'],
    ['x'.repeat(301), 'x', 'username_too_long'],
    ['gary', undefined, 'password_missing'],
    ['gary', 7, 'password_not_string'],
    ['gary', '\uD800', 'password_not_well_formed'],
  ]) {
    assert.deepEqual(signIn(username, password), { ok: false, reason })
  }
})

test('a body that is not an object is rejected with the members that the route needs', () => {
  for (const [parse, ...members] of [
    [(body: unknown) => parseSignUp(body, RULES), 'username', 'password'],
    [parseSignIn, 'username', 'password'],
    [(body: unknown) => parsePasswordChange(body, RULES), 'currentPassword', 'newPassword'],
    [parseUsernameChange, 'username', 'password'],
    [parsePassword, 'password'],
  ] as const)
    for (const body of [null, undefined, [], ['gary', PASSWORD], 'gary', 7, true]) {
      assert.deepEqual(parse(body), { ok: false, reason: 'body_not_object', members })
    }
})

test('a session is started for true alone', () => {
  const body = { username: 'gary', password: PASSWORD }
  for (const parse of [(body: unknown) => parseSignUp(body, RULES), parseSignIn]) {
    for (const session of [true, false]) {
      assert.partialDeepStrictEqual(parse({ ...body, session }), { ok: true, value: { session } })
    }
    for (const session of [null, 'true', 1, 0, {}, []]) {
      assert.deepEqual(parse({ ...body, session }), { ok: false, reason: 'session_not_boolean' })
    }
    const inherited = Object.assign(Object.create({ session: true }), body)
    assert.partialDeepStrictEqual(parse(inherited), { ok: true, value: { session: false } })
  }
})

test('passwords are accepted as typed, of any composition, from 8 code points to 72 bytes', () => {
  const keys = '🔑🔒🔓🔐🚪🏠🚗🚲🚀'
  const bounds = [
    '12345679 ',
    '🔑🔒🔓🔐🚪🏠🚗🚲',
    '9 letters'.repeat(8),
    'いろはにほへとち'.repeat(3),
    keys.repeat(2),
  ]
  for (const password of [...bounds, '      x ', ' spaces count ', 'tab\tand\nline']) {
    assert.partialDeepStrictEqual(parseNewPassword(password), accepted('gary', password))
  }
})

test('the minimum length of a password is the configured one', () => {
  const parseFor15 = (password: string) =>
    parseSignUp({ username: 'gary', password }, { ...RULES, passwordMinLength: 15 }).ok
  assert.equal(parseFor15('fourteen chars'), false)
  assert.equal(parseFor15('fifteen letters'), true)
})

test('the username is rejected as password, in any letter case and Unicode form', () => {
  const rejected = { ok: false, reason: 'password_is_username' }
  assert.deepEqual(parse({ username: 'Zoë Brontë', password: 'zoe\u0308 BRONTE\u0308' }), rejected)
  assert.deepEqual(parse({ username: 'password', password: 'password' }), rejected)
  assert.equal(parse({ username: 'Zoë Brontë', password: 'zoë Brontë?' }).ok, true)
})

test("the service's name is rejected as password, with and without its stage", () => {
  const parseFor = (serviceName: string, password: string) =>
    parseSignUp({ username: 'gary', password }, { ...RULES, serviceName })
  const rejected = { ok: false, reason: 'password_is_service_name' }
  for (const password of ['latchkey', 'LatchKey', 'latchkey-prod', 'LATCHKEY-PROD']) {
    assert.deepEqual(parseFor('latchkey-prod', password), rejected, password)
  }
  assert.deepEqual(parseFor('My-Great-Shop', 'my-great'), rejected)
  assert.deepEqual(parseFor('Latchkey', 'latchkey'), rejected)
  for (const password of ['latchkeys', 'a latchkey', 'latchkey-dev', '-prod and more']) {
    assert.equal(parseFor('latchkey-prod', password).ok, true, password)
  }
})

test('a password that contains a common one is accepted', () => {
  for (const password of ['password password', 'my 12345678', ' iloveyou', 'iloveyou ']) {
    assert.equal(parseNewPassword(password).ok, true, password)
  }
})

test('both Unicode forms of one text are one username and one password', () => {
  const parsed = parse({ username: 'Zoe\u0308', password: 'pa\u030Assword' })
  assert.partialDeepStrictEqual(parsed, accepted('Zo\u00EB', 'p\u00E5ssword'))
})

test('lengths are counted after normalisation', () => {
  assert.partialDeepStrictEqual(
    parseName('e\u0301'.repeat(50)),
    accepted('\u00E9'.repeat(50), PASSWORD),
  )
  assert.partialDeepStrictEqual(
    parseNewPassword('e\u0301a\u0301i\u0301o\u0301u\u0301y\u0301'.repeat(6)),
    accepted('gary', 'éáíóúý'.normalize('NFC').repeat(6)),
  )
})

test('the username is reported first', () => {
  assert.deepEqual(parse({}), { ok: false, reason: 'username_missing' })
  assert.deepEqual(parse({ username: '', password: '' }), { ok: false, reason: 'username_empty' })
})

test('other keys are ignored, and a prototype does not supply what was not sent', () => {
  const body = { username: 'gary', password: PASSWORD, id: 1, role: 'admin', Password: 'other' }
  assert.partialDeepStrictEqual(parse(body), accepted('gary', PASSWORD))
  assert.doesNotMatch(JSON.stringify(parse(body)), /admin|other|"id"/)
  const inProto: unknown = JSON.parse(`{"username":"gary","__proto__":{"password":"${PASSWORD}"}}`)
  assert.deepEqual(parse(inProto), { ok: false, reason: 'password_missing' })

  Object.defineProperty(Object.prototype, 'password', { value: PASSWORD, configurable: true })
  try {
    assert.deepEqual(parse({ username: 'gary' }), { ok: false, reason: 'password_missing' })
  } finally {
    Reflect.deleteProperty(Object.prototype, 'password')
  }
})
