import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { serveDatabase } from '../test/support/database.ts'
import { bodyOf, eventWith, loadHandler, readEvent, withToken } from '../test/support/handler.ts'
import { assertDocumented } from '../test/support/openapi.ts'
import { openMigratedPglite } from '../test/support/pglite.ts'

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())
const send = await loadHandler(database.url)

const PASSWORD = 'correct horse battery'

async function respond(event: Parameters<typeof send>[0]) {
  const response = await send(event)
  assertDocumented(response, event.routeKey)
  const body = response.body ? bodyOf(response) : {}
  return { status: response.statusCode, code: body['code'], token: String(body['token']) }
}

const signUp = async (username: string) =>
  (await respond(eventWith({ username, password: PASSWORD }))).token
const deleteWith = (token: string, body: unknown) =>
  respond(withToken(eventWith(body, 'delete-account'), token))
const me = (token: string) => respond(withToken(readEvent('me'), token))

test('the row is gone, the name is free, and the old token opens nothing, also of who comes after', async () => {
  const token = await signUp('Gary')
  assert.deepEqual(await deleteWith(token, { password: PASSWORD }), {
    status: 204,
    code: undefined,
    token: 'undefined',
  })
  assert.deepEqual(await database.query('SELECT 1 FROM users'), [])
  const next = await signUp('gary')
  const change = { currentPassword: PASSWORD, newPassword: 'another horse battery' }
  for (const event of [
    readEvent('me'),
    eventWith(change, 'change-password'),
    eventWith({ password: PASSWORD }, 'delete-account'),
  ]) {
    assert.equal((await respond(withToken(event, token))).code, 'token_invalid')
  }
  assert.equal((await me(next)).status, 200)
})

test('a wrong password deletes nobody, and pauses the second count', async () => {
  const token = await signUp('Kept')
  for (let time = 0; time < 5; time += 1) {
    const { code } = await deleteWith(token, { password: 'wrong horse battery' })
    assert.equal(code, 'invalid_credentials')
  }
  assert.equal((await deleteWith(token, { password: PASSWORD })).status, 429)
  assert.equal((await me(token)).status, 200)
})

test('a token from before a change of the password deletes nobody', async () => {
  const token = await signUp('Changed')
  const body = { currentPassword: PASSWORD, newPassword: 'another horse battery' }
  await respond(withToken(eventWith(body, 'change-password'), token))
  for (const password of [PASSWORD, body.newPassword]) {
    assert.equal((await deleteWith(token, { password })).code, 'token_invalid')
  }
})

test('deletions at once, and with lost responses, are all well, and leave no row', async () => {
  const token = await signUp('Twice')
  database.planFaults('reset-after reset-before')
  const both = await Promise.all([1, 2].map(() => deleteWith(token, { password: PASSWORD })))
  for (const { status, code } of both) assert.ok(status === 204 || code === 'token_invalid')
  assert.ok(both.some(({ status }) => status === 204))
  assert.deepEqual(await database.query("SELECT 1 FROM users WHERE username = 'Twice'"), [])
})

test('every invalid body is as openapi.yaml documents it', async () => {
  const token = await signUp('Bodies')
  for (const [code, body] of Object.entries({
    body_missing: '',
    body_not_json: '{',
    body_not_object: [],
    password_missing: {},
    password_not_string: { password: 7 },
    password_not_well_formed: '{"password":"\\ud800"}',
    invalid_credentials: { password: '' },
  })) {
    assert.deepEqual(await deleteWith(token, body), { status: 401, code, token: 'undefined' })
  }
  const event = readEvent('delete-account')
  const { authorization: _, ...headers } = event.headers
  assert.equal((await respond({ ...event, headers })).code, 'token_missing')
  assert.equal((await me(token)).status, 200)
})
