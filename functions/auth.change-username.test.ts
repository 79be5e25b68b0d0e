import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { PASSWORD, startApi, WRONG } from '../test/support/api.ts'

const { database, holdPauses, post, signIn, me, ...api } = await startApi()

const signUp = async (username: string) => (await api.signUp(username)).token
const change = (token: string, username: string, password = PASSWORD) =>
  post('change-username', { username, password }, token)
const stored = async (id: string) => {
  const sql = `SELECT username, username_key, password_version, fresh_failures FROM users
    WHERE id = CAST($1 AS BIGINT)`
  return (await database.query(sql, [id]))[0]
}

test('the new name opens the account, the former one is free, and earlier tokens stay valid', async () => {
  const old = await signUp('Gary')
  const { sub = '' } = decodeJwt(old)
  const { status, token } = await change(old, 'Zoe\u0308')
  assert.equal(status, 200)
  const { iat, exp: _, ...claims } = decodeJwt(token)
  assert.deepEqual(claims, {
    auth_time: iat,
    payload: { username: 'Zo\u00EB', id: Number(sub) },
    sub,
  })
  assert.deepEqual(await stored(sub), ['Zo\u00EB', 'zo\u00EB', '0', '0'])
  assert.equal((await signIn('ZOË')).status, 200)
  assert.equal((await signIn('Gary')).code, 'invalid_credentials')
  // The former name goes to another account, and the old token is still of the first.
  assert.notEqual(decodeJwt(await signUp('gary')).sub, sub)
  assert.deepEqual((await me(old)).json, { id: Number(sub), username: 'Zo\u00EB' })
  assert.equal((await change(old, 'GARY')).code, 'username_taken')
  assert.deepEqual(await stored(sub), ['Zo\u00EB', 'zo\u00EB', '0', '0'])
})

test('the same name in another letter case or Unicode form is a change, even for a row without a key', async () => {
  const token = await signUp('Straße')
  const { sub = '' } = decodeJwt(token)
  for (const name of ['STRASSE', 'straße', 'straße']) {
    assert.equal((await change(token, name)).status, 200)
    assert.deepEqual(await stored(sub), [name, 'strasse', '0', '0'])
  }
  await database.query(
    "UPDATE users SET username = 'Renamed', username_key = NULL WHERE username = 'straße'",
  )
  assert.equal((await change(token, 'Again')).status, 200)
  assert.deepEqual(await stored(sub), ['Again', 'again', '0', '0'])
})

test('a wrong password counts, pauses, and changes nothing', async () => {
  const token = await signUp('Owner')
  const { sub = '' } = decodeJwt(token)
  for (let time = 0; time < 5; time += 1) {
    assert.equal((await change(token, 'Other', WRONG)).code, 'invalid_credentials')
  }
  await holdPauses('Owner')
  assert.equal((await change(token, 'Other')).code, 'too_many_attempts')
  assert.deepEqual(await stored(sub), ['Owner', 'owner', '0', '5'])
})

test('concurrent changes to one name succeed for one account, and those of one account store one of its names', async () => {
  const tokens = [await signUp('First'), await signUp('Second')]
  const both = await Promise.all(tokens.map((token) => change(token, 'Wanted')))
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 400])
  const token = await signUp('Racer')
  const names = ['one', 'two', 'three']
  const results = await Promise.all(names.map((name) => change(token, name)))
  const winners = results.flatMap(({ status }, index) => (status === 200 ? names[index] : []))
  const [name, , , failures] = (await stored(decodeJwt(token).sub ?? '')) ?? []
  // A change that starts after another has ended succeeds too.
  assert.ok(winners.includes(name ?? ''))
  assert.equal(failures, '0')
  for (const { status, code } of results) assert.ok(status === 200 || code === 'account_changed')
})

test('a change whose responses are lost is made once', async () => {
  const token = await signUp('Lossy')
  for (const [plan, name] of [
    ['reset-before reset-after throttled reset-after broken-json', 'Kept'],
    ['reset-after:4', 'Lossy'],
  ] as const) {
    database.planFaults(plan)
    assert.equal((await change(token, name)).status, 200)
    assert.equal((await stored(decodeJwt(token).sub ?? ''))?.[0], name)
  }
})
