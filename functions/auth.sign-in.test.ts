import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { hash } from 'bcryptjs'
import { decodeJwt, type JWTPayload, SignJWT } from 'jose'
import { serveDatabase } from '../test/support/database.ts'
import {
  bodyOf,
  eventWith,
  JWT_SECRET,
  loadHandler,
  readEvent,
  withToken,
} from '../test/support/handler.ts'
import { assertDocumented } from '../test/support/openapi.ts'
import { openMigratedPglite } from '../test/support/pglite.ts'

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())
const send = await loadHandler(database.url)

const PASSWORD = 'correct horse battery'
const WRONG = 'wrong horse battery'
const KEY = 'the-key-of-a-sign-up'

async function respond(event: Parameters<typeof send>[0]) {
  const response = await send(event)
  assertDocumented(response, event.routeKey)
  const body = bodyOf(response)
  return { ...response, ...body, code: body['code'], token: String(body['token']) }
}

const signUp = (username: string, password = PASSWORD, key?: string) => {
  const event = eventWith({ username, password })
  const headers = { ...event.headers, ...(key && { 'idempotency-key': key }) }
  return respond({ ...event, headers })
}

function signIn(username: unknown, password: unknown = PASSWORD, token?: string) {
  const event = eventWith({ username, password }, 'sign-in')
  return respond(token === undefined ? event : withToken(event, token))
}

const me = (token: string) => respond(withToken(readEvent('me'), token))

/** Fails sign-ins of the name, with the token if there is one, and resolves with the codes. */
async function fail(name: string, times: number, token?: string) {
  const codes: unknown[] = []
  for (let time = 0; time < times; time += 1) {
    codes.push((await signIn(name, WRONG, token)).code ?? 'signed in')
  }
  return codes
}

/** Lets every pause of the name be over for that long. */
const pass = (name: string, interval = '1 second') =>
  database.query(
    `UPDATE users SET paused_until = LEAST(paused_until, now()) - CAST($2 AS INTERVAL),
    device_paused_until = LEAST(device_paused_until, now()) - CAST($2 AS INTERVAL) WHERE username = $1`,
    [name, interval],
  )

async function counts(name: string) {
  const sql = 'SELECT failures, device_failures FROM users WHERE username = $1'
  const [row] = await database.query(sql, [name])
  return row?.map(Number)
}

const INVALID = 'invalid_credentials'
const PAUSED = 'too_many_attempts'

test('who has signed up can sign in under any form of the name, and see who they are', async () => {
  const created = await signUp('Zoë  Straße')
  for (const name of [
    'Zoë  Straße',
    'zoe\u0308 STRASSE',
    'ｚｏë\u3000straſſe',
    'ZOË STRAẞE\uFE0F',
  ]) {
    const response = await signIn(name)
    assert.equal(response.statusCode, 200)
    const { iat: _, exp: __, ...claims } = decodeJwt(response.token)
    const { iat: ___, exp: ____, ...before } = decodeJwt(created.token)
    assert.deepEqual(claims, before)
    const { statusCode, body } = await me(response.token)
    assert.equal(statusCode, 200)
    assert.deepEqual(JSON.parse(body ?? ''), {
      id: Number(claims.sub),
      username: 'Zoë  Straße',
    })
  }
})

test('a wrong password and an unknown name get the same response, byte for byte', async () => {
  await signUp('Known')
  const wrong = await send(eventWith({ username: 'Known', password: WRONG }, 'sign-in'))
  const unknown = await send(eventWith({ username: 'Unknown', password: WRONG }, 'sign-in'))
  assert.deepEqual(wrong, unknown)
  assert.equal(wrong.statusCode, 401)
  assert.equal(wrong.body, '{"err":"Invalid credentials.","code":"invalid_credentials"}')
  assert.equal(wrong.headers?.['www-authenticate'], 'Bearer')
})

test('a password that no account has is refused without a count, others are compared', async () => {
  const { length } = await database.query('SELECT 1 FROM users')
  await database.query(
    "INSERT INTO users (username, username_key, password) VALUES ('Old', 'old', $1)",
    [await hash('short', 4)],
  )
  assert.equal((await signIn('Old', 'short')).statusCode, 200)
  for (const password of ['', 'x'.repeat(73), 'short\0', 'x'.repeat(400)]) {
    assert.equal((await signIn('Old', password)).code, INVALID)
  }
  assert.deepEqual(await counts('Old'), [0, 0])
  assert.equal((await database.query('SELECT 1 FROM users')).length, length + 1)
})

test('a body that holds no credentials has the codes of sign-up', async () => {
  for (const [body, code] of [
    ['{', 'body_not_json'],
    [[], 'body_not_object'],
    [{ password: PASSWORD }, 'username_missing'],
    [{ username: 7, password: PASSWORD }, 'username_not_string'],
    [{ username: 'a\uD800', password: PASSWORD }, 'username_not_well_formed'],
    [{ username: 'x'.repeat(301), password: PASSWORD }, 'username_too_long'],
    [{ username: 'gary' }, 'password_missing'],
    [{ username: 'gary', password: null }, 'password_not_string'],
    [{ username: 'gary', password: 'a\uDC00' }, 'password_not_well_formed'],
  ] as const) {
    const response = await respond(eventWith(body, 'sign-in'))
    assert.deepEqual([response.statusCode, response.code], [401, code])
  }
  assert.equal((await signIn('x'.repeat(300))).code, INVALID)
  // Names that nobody can have any more, or could at all.
  for (const name of ['', ' ', '\u202E', '\uFFFD', 'ga\0ry', '\u0301'.repeat(300)]) {
    assert.equal((await signIn(name)).code, INVALID, name)
  }
})

test('after five failures in a row each further one doubles the pause, up to 900 s', async () => {
  const name = 'Guessed'
  await signUp(name)
  assert.deepEqual(await fail(name, 6), [...Array(5).fill(INVALID), PAUSED])
  const waits: unknown[] = []
  for (let failures = 5; failures < 18; failures += 1) {
    const { statusCode, headers, err } = { err: '', ...(await signIn(name)) }
    assert.equal(statusCode, 429)
    const seconds = Number(headers?.['retry-after'])
    assert.equal(err, `Too many attempts: try again in ${seconds} seconds`)
    waits.push(seconds)
    await pass(name)
    assert.deepEqual(await fail(name, 1), [INVALID])
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
  assert.deepEqual(await counts(name), [18, 0])
})

test('a pause counts nothing, and a success after it ends the count', async () => {
  const name = 'Patient'
  await signUp(name)
  await fail(name, 5)
  assert.deepEqual(await fail(name, 3), Array(3).fill(PAUSED))
  assert.equal((await signIn(name)).code, PAUSED)
  assert.deepEqual(await counts(name), [5, 0])
  await pass(name)
  assert.equal((await signIn(name)).statusCode, 200)
  assert.deepEqual(await counts(name), [0, 0])
  assert.deepEqual(await fail(name, 5), Array(5).fill(INVALID))
})

test('24 hours after the last pause a count is over, and however high it was it never fails', async () => {
  const name = 'Rested'
  await signUp(name)
  await database.query(
    'UPDATE users SET failures = 2000, paused_until = now() WHERE username = $1',
    [name],
  )
  assert.deepEqual(await fail(name, 2), [INVALID, PAUSED])
  assert.deepEqual(await counts(name), [2001, 0])
  await pass(name, '23 hours 59 minutes')
  assert.deepEqual(await fail(name, 2), [INVALID, PAUSED])
  await pass(name, '24 hours')
  assert.deepEqual(await fail(name, 6), [...Array(5).fill(INVALID), PAUSED])
})

test('of a volley every wrong password that was compared is counted', async () => {
  const name = 'Volley'
  await signUp(name)
  const responses = await Promise.all(Array.from({ length: 12 }, () => signIn(name, WRONG)))
  const compared = responses.filter(({ code }) => code === INVALID)
  assert.ok(compared.length >= 5)
  assert.deepEqual(await counts(name), [compared.length, 0])
})

test('of a volley on an account with failures one is compared, right or wrong', async () => {
  for (const password of [WRONG, PASSWORD]) {
    const name = `Charged ${password}`
    await signUp(name)
    await fail(name, 5)
    await pass(name)
    const responses = await Promise.all(Array.from({ length: 8 }, () => signIn(name, password)))
    const codes = responses.map(({ code }) => code ?? 'signed in').sort()
    const compared = password === WRONG ? INVALID : 'signed in'
    assert.deepEqual(codes, [compared, ...Array(7).fill(PAUSED)].sort())
    assert.deepEqual(await counts(name), [password === WRONG ? 6 : 0, 0])
  }
})

test('whoever shows a token of the account is not disturbed by strangers, nor they by them', async () => {
  const { token } = await signUp('Owner')
  const other = await signUp('Other')
  await fail('Owner', 5)
  assert.equal((await signIn('Owner')).code, PAUSED)
  assert.equal((await signIn('Owner', PASSWORD, token)).statusCode, 200)
  assert.equal((await signIn('Owner')).code, PAUSED)
  for (const stranger of [other.token, `${token}x`, 'x']) {
    assert.equal((await signIn('Owner', PASSWORD, stranger)).code, PAUSED)
  }
  assert.deepEqual(await fail('Owner', 6, token), [...Array(5).fill(INVALID), PAUSED])
  assert.deepEqual(await counts('Owner'), [5, 5])
  await pass('Owner')
  assert.equal((await signIn('Owner')).statusCode, 200)
  assert.deepEqual(await counts('Owner'), [0, 5])
})

/** A token that the service could have signed, with that changed. */
function forge(claims: JWTPayload, secret = JWT_SECRET, header: object = {}) {
  const key = new TextEncoder().encode(secret)
  const token = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header })
  return token.sign(key)
}

const now = () => Math.floor(Date.now() / 1000)
const days = (count: number) => count * 86_400

test('a token opens the second count until 30 days after its end', async () => {
  const { token } = await signUp('Returning')
  const { sub = '' } = decodeJwt(token)
  await fail('Returning', 5)
  const expired = await forge({ sub, exp: now() - days(30) + 60 })
  assert.equal((await signIn('Returning', PASSWORD, expired)).statusCode, 200)
  const late = await forge({ sub, exp: now() - days(30) - 60 })
  assert.equal((await signIn('Returning', PASSWORD, late)).code, PAUSED)
})

test('a sign-in whose responses are lost is right all the same, and a failure counts at least once', async () => {
  const name = 'Lossy'
  const { token } = await signUp(name)
  database.planFaults('reset-after:2 broken-json throttled')
  assert.equal((await signIn(name)).statusCode, 200)
  database.planFaults('resuming reset-after')
  assert.equal((await me(token)).statusCode, 200)
  // The first call is that of the account, the second counts.
  database.planFaults('reset-before reset-after reset-after')
  assert.deepEqual(await fail(name, 1), [INVALID])
  const [failures = 0] = (await counts(name)) ?? []
  assert.ok(failures >= 1 && failures <= 3, `${failures}`)
  database.planFaults('reset-after reset-after')
  assert.equal((await signIn(name)).statusCode, 200)
  assert.deepEqual(await counts(name), [0, 0])
})

test('a replay of a sign-up uses the first count, and pauses with it', async () => {
  const name = 'Replayed'
  const replay = (password: string) => signUp(name, password, KEY)
  assert.equal((await replay(PASSWORD)).statusCode, 201)
  for (let time = 0; time < 5; time += 1) {
    assert.equal((await replay(WRONG)).code, 'username_taken')
  }
  const paused = await replay(PASSWORD)
  assert.deepEqual([paused.statusCode, paused.code], [429, PAUSED])
  assert.equal((await signIn(name)).code, PAUSED)
  assert.equal(
    (await signUp(name, WRONG, `${KEY} of another`.replaceAll(' ', '-'))).code,
    'username_taken',
  )
  assert.deepEqual(await counts(name), [5, 0])
  await pass(name)
  assert.equal((await replay(PASSWORD)).statusCode, 201)
  assert.deepEqual(await counts(name), [0, 0])
})

test('a hash of a lower cost is replaced by a right sign-in, and by nothing else', async () => {
  const old = await hash(PASSWORD, 4)
  await database.query(
    "INSERT INTO users (username, username_key, password) VALUES ('Cheap', 'cheap', $1)",
    [old],
  )
  const stored = async () =>
    (await database.query("SELECT password FROM users WHERE username = 'Cheap'"))[0]?.[0] ?? ''
  assert.deepEqual(await fail('Cheap', 1), [INVALID])
  assert.equal(await stored(), old)
  assert.equal((await signIn('Cheap')).statusCode, 200)
  const renewed = await stored()
  assert.match(renewed, /^\$2b\$10\$/)
  assert.equal((await signIn('Cheap')).statusCode, 200)
  assert.equal(await stored(), renewed)
})

test('no header or another scheme is a missing token', async () => {
  for (const authorization of [undefined, '', 'Basic Z2FyeTp4', 'Bearerx', 'Token abc']) {
    const event = readEvent('me-missing-token')
    const headers = { ...event.headers, ...(authorization !== undefined && { authorization }) }
    const response = await respond({ ...event, headers })
    assert.deepEqual([response.statusCode, response.code], [401, 'token_missing'], authorization)
    assert.equal(response.headers?.['www-authenticate'], 'Bearer')
  }
})

test('the scheme may be in any letter case', async () => {
  const { token } = await signUp('Lower')
  const event = readEvent('me')
  const headers = { ...event.headers, authorization: `bEARER  ${token}` }
  assert.equal((await respond({ ...event, headers })).statusCode, 200)
})

test('a token that is expired, forged or of nobody is refused', async () => {
  const { token } = await signUp('Forged')
  const claims = { sub: decodeJwt(token).sub ?? '', exp: now() + 60 }
  assert.equal((await me(await forge(claims))).statusCode, 200)

  const expired = await me(await forge({ ...claims, exp: now() - 1 }))
  assert.deepEqual([expired.statusCode, expired.code], [401, 'token_expired'])
  assert.equal(expired.headers?.['www-authenticate'], 'Bearer error="invalid_token"')

  const [header = '', payload = '', signature = ''] = (await forge(claims)).split('.')
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const { exp: _, ...unending } = claims
  const { sub: __, ...nameless } = claims
  const forged = {
    'another key': await forge(claims, 'another key, that is longer than 32 bytes'),
    'another key, and expired': await forge(
      { ...claims, exp: 1 },
      'another key of 32 bytes and more',
    ),
    none: `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
    'none with the signature': `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.${signature}`,
    HS512: await forge(claims, JWT_SECRET, { alg: 'HS512' }),
    RS256: `${encode({ alg: 'RS256', typ: 'JWT' })}.${payload}.${signature}`,
    'an unknown critical header': `${encode({ alg: 'HS256', typ: 'JWT', crit: ['x'], x: 1 })}.${payload}.${signature}`,
    'other claims': `${header}.${encode({ ...claims, sub: '1' })}.${signature}`,
    'a kid that is a path': `${encode({ alg: 'HS256', typ: 'JWT', kid: '/dev/null' })}.${payload}.${signature}`,
    'no end': await forge(unending),
    'no subject': await forge(nameless),
    'not yet valid': await forge({ ...claims, nbf: now() + 60 }),
    'a subject that is no id': await forge({ ...claims, sub: 'gary' }),
    'an id in another form': await forge({ ...claims, sub: `0${claims.sub}` }),
    'an id beyond numbers': await forge({ ...claims, sub: '9007199254740993' }),
    'a negative id': await forge({ ...claims, sub: '-1' }),
    'a user that is gone': await forge({ ...claims, sub: '4503599627370496' }),
    'two tokens': `${token}, Bearer ${token}`,
    'not JSON': `${header}.${Buffer.from('{').toString('base64url')}.${signature}`,
    'no token': '',
    'one part': header,
    'four parts': `${token}.x`,
    oversized: `${header}.${'a'.repeat(9000)}.${signature}`,
    'not ASCII': 'é.é.é',
    'a line break': `${token}\n`,
  }
  for (const [what, text] of Object.entries(forged)) {
    const response = await me(text)
    assert.deepEqual([response.statusCode, response.code], [401, 'token_invalid'], what)
    assert.equal(response.headers?.['www-authenticate'], 'Bearer error="invalid_token"', what)
  }
})

test('a valid kid is ignored, since there is one key', async () => {
  const { token } = await signUp('Kid')
  const claims = { sub: decodeJwt(token).sub ?? '', exp: now() + 60 }
  assert.equal((await me(await forge(claims, JWT_SECRET, { kid: '../../key' }))).statusCode, 200)
})

test('the token of a deleted user opens nothing, whoever has the name now', async () => {
  const { token } = await signUp('Gone')
  await database.query("DELETE FROM users WHERE username = 'Gone'")
  assert.equal((await me(token)).code, 'token_invalid')
  await signUp('Gone')
  assert.equal((await me(token)).code, 'token_invalid')
})
