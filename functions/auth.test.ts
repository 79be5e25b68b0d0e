import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { compare } from 'bcryptjs'
import { jwtVerify } from 'jose'
import { serveDatabase } from '../test/support/database.ts'
import { bodyOf, eventWith, JWT_SECRET, loadHandler, readEvent } from '../test/support/handler.ts'
import { assertDocumented } from '../test/support/openapi.ts'
import { openMigratedPglite } from '../test/support/pglite.ts'

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())
const send = await loadHandler(database.url)

const rows = (where: string) =>
  database.query(`SELECT id, username, password FROM users WHERE ${where}`)

const answers = [
  ['sign-up', 201, undefined],
  ['sign-up-taken', 400, 'username_taken'],
  ['sign-up-malformed', 401, 'body_not_json'],
  ['sign-up-base64', 201, undefined],
  ['sign-up-missing-field', 401, 'password_missing'],
  ['sign-in', 200, undefined],
  ['sign-in-wrong-password', 401, 'invalid_credentials'],
  ['sign-in-missing-field', 401, 'password_missing'],
  // A token that nobody here has signed: put one of your own in.
  ['me', 401, 'token_invalid'],
  ['me-missing-token', 401, 'token_missing'],
  ['change-password', 401, 'token_invalid'],
  ['delete-account', 401, 'token_invalid'],
] as const

test('each event in events/ gets the response that its name says, as openapi.yaml documents it', async () => {
  for (const [name, status, code] of answers) {
    const event = readEvent(name)
    const response = await send(event)
    assert.equal(response.statusCode, status, name)
    assert.equal(bodyOf(response)['code'], code, name)
    assertDocumented(response, event.routeKey)
  }
})

test('a sign-up stores the name as typed and a hash of the password, and returns a token of that user', async () => {
  const password = 'correct horse battery'
  const response = await send(eventWith({ username: 'Ada Lovelace', password, admin: true }))

  const [row, ...others] = await rows("username = 'Ada Lovelace'")
  assert.equal(others.length, 0)
  const [id, username, hash] = row ?? []
  assert.ok(await compare(password, hash ?? ''))
  assert.match(hash ?? '', /^\$2b\$10\$/)
  const { payload, protectedHeader } = await jwtVerify(
    String(bodyOf(response)['token']),
    new TextEncoder().encode(JWT_SECRET),
    { algorithms: ['HS256'], typ: 'JWT', subject: String(id) },
  )
  assert.deepEqual(payload['payload'], { username, id: Number(id) })
  assert.deepEqual(protectedHeader, { alg: 'HS256', typ: 'JWT' })
})

test('one name in two Unicode forms or two letter cases is one person', async () => {
  const names = ['Zoë Brontë', 'Zoe\u0308 Bronte\u0308', 'ZOË BRONTË', 'zoe\u0308 BRONTE\u0308']
  const statuses = []
  for (const username of names) {
    const response = await send(eventWith({ username, password: 'correct horse battery' }))
    statuses.push(response.statusCode)
  }
  assert.deepEqual(statuses, [201, 400, 400, 400])
  assert.equal((await rows("username = 'Zoë Brontë'")).length, 1)
})

test('of 20 simultaneous sign-ups of one name in mixed letter case one succeeds', async () => {
  const requests = Array.from({ length: 20 }, (_, index) => {
    const username = index % 2 === 0 ? 'Rival' : 'rIVAL'
    return send(eventWith({ username, password: `password of number ${index}` }))
  })
  const statuses = (await Promise.all(requests)).map(({ statusCode }) => statusCode)
  assert.deepEqual(statuses.sort(), [201, ...Array(19).fill(400)])
  assert.equal((await rows("lower(username) = 'rival'")).length, 1)
})

test('every client error is as openapi.yaml documents it, and stores nobody', async () => {
  const before = (await rows('true')).length
  const password = 'correct horse battery'
  const refused: Readonly<Record<string, unknown>> = {
    body_missing: '',
    body_too_large: ' '.repeat(16 * 1024 + 1),
    body_not_json: '{',
    body_not_object: [{ username: 'gary2', password }],
    username_missing: { password },
    username_not_string: { username: null, password },
    username_not_well_formed: '{"username":"\\ud800","password":"correct horse battery"}',
    username_empty: { username: '', password },
    username_too_long: { username: 'x'.repeat(51), password },
    username_outer_space: { username: ' gary2', password },
    username_forbidden_character: { username: 'gary\u0000', password },
    username_leading_mark: { username: '\u0301gary', password },
    username_invisible: { username: '\u3164', password },
    password_forbidden_character: { username: 'gary2', password: `${password}\uFFFD` },
    password_missing: { username: 'gary2' },
    password_not_string: { username: 'gary2', password: 12345678 },
    password_not_well_formed: '{"username":"gary2","password":"\\udfff and the rest"}',
    password_too_short: { username: 'gary2', password: '1234567' },
    password_too_long: { username: 'gary2', password: 'あ'.repeat(25) },
    password_nul: { username: 'gary2', password: 'correct\u0000horse' },
    password_is_username: { username: 'correct horse', password: 'Correct Horse' },
    password_is_service_name: { username: 'gary2', password: 'LatchKey' },
    password_common: { username: 'gary2', password: 'Password1' },
  }
  for (const [code, body] of Object.entries(refused)) {
    const response = await send(eventWith(body))
    assert.equal(bodyOf(response)['code'], code)
    assert.equal(response.statusCode, 401)
    assertDocumented(response)
  }
  const badKey = { ...readEvent('sign-up'), headers: { 'idempotency-key': 'short' } }
  assert.equal(bodyOf(await send(badKey))['code'], 'idempotency_key_malformed')
  const notUtf8 = { ...readEvent('sign-up-base64'), body: Buffer.from([0xff]).toString('base64') }
  assert.equal(bodyOf(await send(notUtf8))['code'], 'body_not_utf8')
  assert.equal((await rows('true')).length, before)
})
