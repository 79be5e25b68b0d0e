import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, startApi, WRONG } from '../test/support/api.ts'
import { exampleEvent, PROTECTED_ROUTE_KEYS } from '../test/support/example-requests.ts'

const { database, holdPauses, post, respond, me, ...api } = await startApi()

const signUp = async (username: string) => (await api.signUp(username)).token
const deleteWith = (token: string, password = PASSWORD) =>
  post('delete-account', { password }, token)

test('a deletion removes the row, frees the name, and revokes the token for every route, even if another account takes the name', async () => {
  const token = await signUp('Gary')
  const { status, body } = await deleteWith(token)
  assert.deepEqual([status, body], [204, undefined])
  assert.deepEqual(await database.query('SELECT 1 FROM users'), [])
  const next = await signUp('gary')
  for (const routeKey of PROTECTED_ROUTE_KEYS) {
    assert.equal((await respond(exampleEvent(routeKey, token))).code, 'token_invalid', routeKey)
  }
  assert.equal((await me(next)).status, 200)
})

test('a wrong password deletes nothing, counts and pauses', async () => {
  const token = await signUp('Kept')
  for (let time = 0; time < 5; time += 1) {
    const { code } = await deleteWith(token, WRONG)
    assert.equal(code, 'invalid_credentials')
  }
  await holdPauses('Kept')
  assert.equal((await deleteWith(token)).status, 429)
  assert.equal((await me(token)).status, 200)
})

test('a token signed before a change of the password deletes nothing', async () => {
  const token = await signUp('Changed')
  const body = { currentPassword: PASSWORD, newPassword: 'another horse battery' }
  await post('change-password', body, token)
  for (const password of [PASSWORD, body.newPassword]) {
    assert.equal((await deleteWith(token, password)).code, 'token_invalid')
  }
})

test('concurrent deletions with lost responses succeed or find the token revoked, and leave no row', async () => {
  const token = await signUp('Twice')
  database.planFaults('reset-after reset-before')
  const both = await Promise.all([1, 2].map(() => deleteWith(token)))
  for (const { status, code } of both) assert.ok(status === 204 || code === 'token_invalid')
  assert.ok(both.some(({ status }) => status === 204))
  assert.deepEqual(await database.query("SELECT 1 FROM users WHERE username = 'Twice'"), [])
})
