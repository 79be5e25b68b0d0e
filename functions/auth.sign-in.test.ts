import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash } from 'bcryptjs'
import { decodeJwt, type JWTPayload, SignJWT } from 'jose'
import { PASSWORD, startApi, WRONG } from '../test/support/api.ts'
import { exampleEvent, PROTECTED_ROUTE_KEYS } from '../test/support/example-requests.ts'
import { JWT_SECRET, readEvent } from '../test/support/handler.ts'

const { database, holdPauses, respond, signUp, signIn, me } = await startApi()

const KEY = 'the-key-of-a-sign-up'

/** Signs in with a wrong password, and the token if given, and resolves with the codes. */
async function failSignIns(name: string, times: number, token?: string) {
  const codes: unknown[] = []
  for (let time = 0; time < times; time += 1) {
    codes.push((await signIn(name, WRONG, token)).code ?? 'signed in')
  }
  return codes
}

/** Moves the end of every pause of the name to that long ago. */
const endPauses = (name: string, interval = '1 second') =>
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

test('a user can sign in with any form of the name, and me returns the name as typed', async () => {
  const created = await signUp('Zoë  Straße')
  for (const name of [
    'Zoë  Straße',
    'zoe\u0308 STRASSE',
    'ｚｏë\u3000straſſe',
    'ZOË STRAẞE\uFE0F',
  ]) {
    const response = await signIn(name)
    assert.equal(response.status, 200)
    const claims = decodeJwt(response.token)
    const { sub, payload } = decodeJwt(created.token)
    assert.partialDeepStrictEqual(claims, { sub, payload })
    const { status, body } = await me(response.token)
    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(body ?? ''), {
      id: Number(claims.sub),
      username: 'Zoë  Straße',
    })
  }
})

test('a wrong password and an unknown name get the same response, byte for byte', async () => {
  await signUp('Known')
  const wrong = await signIn('Known', WRONG)
  const unknown = await signIn('Unknown', WRONG)
  assert.deepEqual(wrong, unknown)
  assert.equal(wrong.status, 401)
  assert.equal(wrong.body, '{"err":"Invalid credentials.","code":"invalid_credentials"}')
  assert.equal(wrong.headers?.['www-authenticate'], 'Bearer')
})

test('a password that no account can have is rejected without a count, and others are compared', async () => {
  const { length } = await database.query('SELECT 1 FROM users')
  await database.query(
    "INSERT INTO users (username, username_key, password) VALUES ('Old', 'old', $1)",
    [await hash('short', 4)],
  )
  assert.equal((await signIn('Old', 'short')).status, 200)
  for (const password of ['', 'x'.repeat(73), 'short\0', 'x'.repeat(400)]) {
    assert.equal((await signIn('Old', password)).code, INVALID)
  }
  assert.deepEqual(await counts('Old'), [0, 0])
  assert.equal((await database.query('SELECT 1 FROM users')).length, length + 1)
})

test('a name that no account can have is invalid_credentials', async () => {
  assert.equal((await signIn('x'.repeat(300))).code, INVALID)
  for (const name of ['', ' ', '\u202E', '\uFFFD', 'ga\0ry', '\u0301'.repeat(300)]) {
    assert.equal((await signIn(name)).code, INVALID, name)
  }
})

test('after five failures in a row each further one doubles the pause, up to 900 s', async () => {
  const name = 'Guessed'
  await signUp(name)
  assert.deepEqual(await failSignIns(name, 6), [...Array(5).fill(INVALID), PAUSED])
  const waits: unknown[] = []
  for (let failures = 5; failures < 18; failures += 1) {
    const { status, headers, json } = await signIn(name)
    assert.equal(status, 429)
    const seconds = Number(headers?.['retry-after'])
    assert.equal(json['err'], `Too many attempts: try again in ${seconds} seconds`)
    waits.push(seconds)
    await endPauses(name)
    assert.deepEqual(await failSignIns(name, 1), [INVALID])
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
  assert.deepEqual(await counts(name), [18, 0])
})

test('attempts in a pause are not counted, and a success after it resets the count', async () => {
  const name = 'Patient'
  await signUp(name)
  await failSignIns(name, 5)
  await holdPauses(name)
  assert.deepEqual(await failSignIns(name, 3), Array(3).fill(PAUSED))
  assert.equal((await signIn(name)).code, PAUSED)
  assert.deepEqual(await counts(name), [5, 0])
  await endPauses(name)
  assert.equal((await signIn(name)).status, 200)
  assert.deepEqual(await counts(name), [0, 0])
  assert.deepEqual(await failSignIns(name, 5), Array(5).fill(INVALID))
})

test('a count lapses 24 hours after its last pause, and a high count causes no error', async () => {
  const name = 'Rested'
  await signUp(name)
  await database.query(
    'UPDATE users SET failures = 2000, paused_until = now() WHERE username = $1',
    [name],
  )
  assert.deepEqual(await failSignIns(name, 2), [INVALID, PAUSED])
  assert.deepEqual(await counts(name), [2001, 0])
  await endPauses(name, '23 hours 59 minutes')
  assert.deepEqual(await failSignIns(name, 2), [INVALID, PAUSED])
  await endPauses(name, '24 hours')
  assert.deepEqual(await failSignIns(name, 6), [...Array(5).fill(INVALID), PAUSED])
})

test('of concurrent guesses every one that is compared is counted', async () => {
  const name = 'Guessed Concurrently'
  await signUp(name)
  const responses = await Promise.all(Array.from({ length: 12 }, () => signIn(name, WRONG)))
  const compared = responses.filter(({ code }) => code === INVALID)
  assert.ok(compared.length >= 5)
  assert.deepEqual(await counts(name), [compared.length, 0])
})

/** Signs in 8 times concurrently to an account with five failures whose pause is over. */
async function signInConcurrently(name: string, password: string) {
  await signUp(name)
  await failSignIns(name, 5)
  await endPauses(name)
  const responses = await Promise.all(Array.from({ length: 8 }, () => signIn(name, password)))
  return responses.map(({ code }) => code ?? 'signed in').sort()
}

test('of concurrent wrong passwords for an account with failures one is compared', async () => {
  const codes = await signInConcurrently('Charged', WRONG)
  assert.deepEqual(codes, [INVALID, ...Array(7).fill(PAUSED)])
  assert.deepEqual(await counts('Charged'), [6, 0])
})

test('of concurrent correct passwords for an account with failures those succeed that wait for the first', async () => {
  const codes = await signInConcurrently('Hurried', PASSWORD)
  assert.ok(codes.filter((code) => code === 'signed in').length > 1, `${codes}`)
  for (const code of codes) assert.ok(code === 'signed in' || code === PAUSED)
  assert.deepEqual(await counts('Hurried'), [0, 0])
})

test('failures of strangers do not pause a client with a token of the account, and its failures do not pause them', async () => {
  const { token } = await signUp('Owner')
  const other = await signUp('Other')
  await failSignIns('Owner', 5)
  await holdPauses('Owner')
  assert.equal((await signIn('Owner')).code, PAUSED)
  assert.equal((await signIn('Owner', PASSWORD, token)).status, 200)
  assert.equal((await signIn('Owner')).code, PAUSED)
  for (const stranger of [other.token, `${token}x`, 'x']) {
    assert.equal((await signIn('Owner', PASSWORD, stranger)).code, PAUSED)
  }
  assert.deepEqual(await failSignIns('Owner', 6, token), [...Array(5).fill(INVALID), PAUSED])
  assert.deepEqual(await counts('Owner'), [5, 5])
  await endPauses('Owner')
  assert.equal((await signIn('Owner')).status, 200)
  assert.deepEqual(await counts('Owner'), [0, 5])
})

test('a device whose count pauses is a stranger, and waits until the first of both pauses ends', async () => {
  const name = 'Two Counts'
  const { token } = await signUp(name)
  await failSignIns(name, 5, token)
  assert.deepEqual(await failSignIns(name, 1, token), [INVALID])
  assert.deepEqual(await counts(name), [1, 5])
  assert.equal((await signIn(name, PASSWORD, token)).status, 200)
  assert.deepEqual(await counts(name), [0, 5])
  await failSignIns(name, 5)
  await holdPauses(name)
  await database.query(
    "UPDATE users SET device_paused_until = now() + interval '60 s' WHERE username = $1",
    [name],
  )
  const { status, headers } = await signIn(name, PASSWORD, token)
  assert.equal(status, 429)
  assert.ok(Number(headers?.['retry-after']) <= 60)
})

/** Signs a token as the service does, with these claims, key and header. */
function forge(claims: JWTPayload, secret = JWT_SECRET, header: object = {}) {
  const key = new TextEncoder().encode(secret)
  const token = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header })
  return token.sign(key)
}

const now = () => Math.floor(Date.now() / 1000)
const days = (count: number) => count * 86_400

test('a token marks a device until 30 days after it has expired', async () => {
  const { token } = await signUp('Returning')
  const { sub = '' } = decodeJwt(token)
  await failSignIns('Returning', 5)
  await holdPauses('Returning')
  const expired = await forge({ sub, exp: now() - days(30) + 60 })
  assert.equal((await signIn('Returning', PASSWORD, expired)).status, 200)
  const late = await forge({ sub, exp: now() - days(30) - 60 })
  assert.equal((await signIn('Returning', PASSWORD, late)).code, PAUSED)
})

test('a sign-in whose responses are lost succeeds, and a failure counts at least once', async () => {
  const name = 'Lossy'
  const { token } = await signUp(name)
  database.planFaults('reset-after:2 broken-json throttled')
  assert.equal((await signIn(name)).status, 200)
  database.planFaults('resuming reset-after')
  assert.equal((await me(token)).status, 200)
  // The first call reads the account, the second counts.
  database.planFaults('reset-before reset-after reset-after')
  assert.deepEqual(await failSignIns(name, 1), [INVALID])
  const [failures = 0] = (await counts(name)) ?? []
  assert.ok(failures >= 1 && failures <= 3, `${failures}`)
  database.planFaults('reset-after reset-after')
  assert.equal((await signIn(name)).status, 200)
  assert.deepEqual(await counts(name), [0, 0])
})

test('a replay of a sign-up counts for strangers, and pauses with them', async () => {
  const name = 'Replayed'
  const replay = (password: string) => signUp(name, password, KEY)
  assert.equal((await replay(PASSWORD)).status, 201)
  for (let time = 0; time < 5; time += 1) {
    assert.equal((await replay(WRONG)).code, 'username_taken')
  }
  await holdPauses(name)
  const paused = await replay(PASSWORD)
  assert.deepEqual([paused.status, paused.code], [429, PAUSED])
  assert.equal((await signIn(name)).code, PAUSED)
  assert.equal(
    (await signUp(name, WRONG, `${KEY} of another`.replaceAll(' ', '-'))).code,
    'username_taken',
  )
  assert.deepEqual(await counts(name), [5, 0])
  await endPauses(name)
  assert.equal((await replay(PASSWORD)).status, 201)
  assert.deepEqual(await counts(name), [0, 0])
})

test('a hash of a lower cost is replaced only by a successful sign-in', async () => {
  const old = await hash(PASSWORD, 4)
  await database.query(
    "INSERT INTO users (username, username_key, password) VALUES ('Cheap', 'cheap', $1)",
    [old],
  )
  const stored = async () =>
    (await database.query("SELECT password FROM users WHERE username = 'Cheap'"))[0]?.[0] ?? ''
  assert.deepEqual(await failSignIns('Cheap', 1), [INVALID])
  assert.equal(await stored(), old)
  assert.equal((await signIn('Cheap')).status, 200)
  const renewed = await stored()
  assert.match(renewed, /^\$2b\$05\$/)
  assert.equal((await signIn('Cheap')).status, 200)
  assert.equal(await stored(), renewed)
})

test('no header or another scheme is a missing token', async () => {
  for (const authorization of [undefined, '', 'Basic Z2FyeTp4', 'Bearerx', 'Token abc']) {
    const event = readEvent('me-missing-token')
    const headers = { ...event.headers, ...(authorization !== undefined && { authorization }) }
    const response = await respond({ ...event, headers })
    assert.deepEqual([response.status, response.code], [401, 'token_missing'], authorization)
    assert.equal(response.headers?.['www-authenticate'], 'Bearer')
  }
})

test('the scheme may be in any letter case', async () => {
  const { token } = await signUp('Lower')
  const event = readEvent('me')
  const headers = { ...event.headers, authorization: `bEARER  ${token}` }
  assert.equal((await respond({ ...event, headers })).status, 200)
})

test('on each protected route an expired, a forged and an orphaned token are rejected', async () => {
  const { token } = await signUp('Forged')
  const claims = { sub: decodeJwt(token).sub ?? '', exp: now() + 60 }
  // A kid is ignored with HS256: there is one key.
  assert.equal((await me(await forge(claims, JWT_SECRET, { kid: '../../key' }))).status, 200)
  for (const [rejectedToken, code] of [
    [await forge({ ...claims, exp: now() - 1 }), 'token_expired'],
    [
      await forge({ ...claims, exp: 1 }, 'another key, that is longer than 32 bytes'),
      'token_invalid',
    ],
    [await forge({ ...claims, sub: '4503599627370496' }), 'token_invalid'],
    [`${token}, Bearer ${token}`, 'token_invalid'],
    ['', 'token_invalid'],
  ] as const) {
    for (const routeKey of PROTECTED_ROUTE_KEYS) {
      const response = await respond(exampleEvent(routeKey, rejectedToken))
      assert.deepEqual([response.status, response.code], [401, code], routeKey)
      assert.equal(response.headers?.['www-authenticate'], 'Bearer error="invalid_token"')
    }
  }
})
