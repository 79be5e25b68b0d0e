import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { compare } from 'bcryptjs'
import { jwtVerify } from 'jose'
import { PASSWORD, startApi } from '../test/support/api.ts'
import { isProtected, rejectedEvent } from '../test/support/example-requests.ts'
import { bodyOf, JWT_SECRET, ROUTE_KEYS, readEvent } from '../test/support/handler.ts'
import { clientErrorCodes } from '../test/support/openapi.ts'
import { documentedNames, json, operation, responseKeys } from '../tools/openapi.ts'

const { database, respond, post, signUp, me } = await startApi()

const rows = (where: string) =>
  database.query(`SELECT id, username, password FROM users WHERE ${where} ORDER BY id`)

/** The codes by the end of the names in events/. */
const CODES: Readonly<Record<string, string>> = {
  taken: 'username_taken',
  malformed: 'body_not_json',
  'missing-field': 'password_missing',
  'wrong-password': 'invalid_credentials',
  'missing-token': 'token_missing',
  configuration: 'discovery_unavailable', // With HS256.
  renew: 'session_ended',
}

test('each event in events/ gets the response that its name says', async () => {
  // sign-up comes first: sign-up-taken and sign-in need its account.
  const names = readdirSync('events').map((file) => file.replace('.json', ''))
  for (const name of names.sort((a, b) => Number(b === 'sign-up') - Number(a === 'sign-up'))) {
    const event = readEvent(name)
    const end = Object.keys(CODES).find((end) => name === end || name.endsWith(`-${end}`))
    // The tokens of the events are placeholders with an invalid signature.
    const unsigned = isProtected(event.routeKey) ? 'token_invalid' : undefined
    const { code } = await respond(event)
    assert.equal(code, end === undefined ? unsigned : CODES[end], name)
  }
})

test('a sign-up stores the name as typed and a hash of the password, and returns a token of that user', async () => {
  const body = { username: 'Ada Lovelace', password: PASSWORD, admin: true }
  const { token } = await post('sign-up', body)

  const [row, ...others] = await rows("username = 'Ada Lovelace'")
  assert.equal(others.length, 0)
  const [id, username, hash] = row ?? []
  assert.ok(await compare(PASSWORD, hash ?? ''))
  assert.match(hash ?? '', /^\$2b\$05\$/)
  const { payload, protectedHeader } = await jwtVerify(
    token,
    new TextEncoder().encode(JWT_SECRET),
    { algorithms: ['HS256'], typ: 'JWT', subject: String(id) },
  )
  assert.deepEqual(payload['payload'], { username, id: Number(id) })
  assert.deepEqual(protectedHeader, { alg: 'HS256', typ: 'JWT' })
})

test('the example of a sign-up gives every documented member, and me returns the account', async () => {
  const body = { ...bodyOf(readEvent('sign-up')), username: 'gives every member' }
  const { token } = await post('sign-up', body)
  const { json: user } = await me(token)
  for (const [value, keys] of [
    [body, [...operation('POST /auth/sign-up'), 'requestBody']],
    [user, responseKeys('GET /auth/me', 200)],
  ] as const) {
    const members = documentedNames([...json(keys), 'schema', 'properties'])
    assert.deepEqual(Object.keys(value).sort(), members.sort())
  }
  const { id: _id, ...returned } = user
  const { password: _, session: __, ...given } = bodyOf({ body: JSON.stringify(body) })
  assert.deepEqual(returned, given)
})

test('one name in two Unicode forms or two letter cases is one account', async () => {
  const names = ['Zoë Brontë', 'Zoe\u0308 Bronte\u0308', 'ZOË BRONTË', 'zoe\u0308 BRONTE\u0308']
  const statuses = []
  for (const name of names) statuses.push((await signUp(name)).status)
  assert.deepEqual(statuses, [201, 400, 400, 400])
  assert.equal((await rows("username = 'Zoë Brontë'")).length, 1)
})

test('of 20 simultaneous sign-ups of one name in mixed letter case one succeeds', async () => {
  const requests = Array.from({ length: 20 }, (_, index) => {
    const username = index % 2 === 0 ? 'Rival' : 'rIVAL'
    return signUp(username, `password of number ${index}`)
  })
  const statuses = (await Promise.all(requests)).map(({ status }) => status)
  assert.deepEqual(statuses.sort(), [201, ...Array(19).fill(400)])
  assert.equal((await rows("lower(username) = 'rival'")).length, 1)
})

for (const routeKey of ROUTE_KEYS) {
  test(`${routeKey}: each documented client error is the response to its example, and changes nothing`, async () => {
    const username = `holder of ${ROUTE_KEYS.indexOf(routeKey)}`
    const takenName = `taken at ${username}`
    await signUp(takenName)
    const { token } = await signUp(username)
    const before = await rows('true')
    for (const code of clientErrorCodes(routeKey)) {
      const event = rejectedEvent(routeKey, code, { token, username, takenName })
      assert.ok(event, `test/support/example-requests.ts has no example of ${code}.`)
      assert.equal((await respond(event)).code, code)
    }
    assert.deepEqual(await rows('true'), before)
  })
}
