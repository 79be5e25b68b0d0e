import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, hash } from 'bcryptjs'
import { decodeJwt } from 'jose'
import { PASSWORD as OLD, startApi, WRONG } from '../test/support/api.ts'

const { database, post, signIn, me, ...api } = await startApi()

const NEW = 'another horse battery'

const signUp = async (username: string) => (await api.signUp(username)).token
const change = (token: string, currentPassword = OLD, newPassword = NEW) =>
  post('change-password', { currentPassword, newPassword }, token)

const stored = async (username: string) => {
  const sql = `SELECT password, password_version, failures, device_failures FROM users
    WHERE username = $1`
  const [[password = '', ...numbers] = []] = await database.query(sql, [username])
  return { hash: password ?? '', numbers: numbers.map(Number) }
}

test('the new password opens the account, the old one does not, and earlier tokens are revoked', async () => {
  const token = await signUp('Gary')
  const other = await signIn('Gary', OLD)
  const changed = await change(token)
  assert.equal(changed.status, 200)
  assert.equal(decodeJwt(changed.token)['password_version'], 1)
  assert.equal((await me(changed.token)).status, 200)
  for (const old of [token, other.token]) {
    assert.equal((await me(old)).code, 'token_invalid')
    assert.equal((await change(old, NEW, OLD)).code, 'token_invalid')
  }
  assert.equal((await signIn('Gary', OLD)).code, 'invalid_credentials')
  const signedIn = await signIn('Gary', NEW)
  assert.equal(decodeJwt(signedIn.token)['password_version'], 1)
  const { hash: newHash, numbers } = await stored('Gary')
  assert.ok(await compare(NEW, newHash))
  assert.deepEqual(numbers, [1, 0, 0])

  assert.equal((await change(signedIn.token, NEW, OLD)).status, 200)
  assert.equal((await me(changed.token)).code, 'token_invalid')
})

test('a token signed before a change does not mark a device', async () => {
  const old = await signUp('Counted')
  const { token } = await change(old)
  for (let time = 0; time < 5; time += 1) await signIn('Counted', OLD)
  assert.equal((await signIn('Counted', NEW, old)).status, 429)
  assert.equal((await signIn('Counted', NEW, token)).status, 200)
})

test('wrong current passwords pause the count of devices, and failures of strangers do not', async () => {
  const token = await signUp('Owner')
  for (let time = 0; time < 5; time += 1) await signIn('Owner', NEW)
  for (let time = 0; time < 5; time += 1) {
    assert.equal((await change(token, WRONG)).code, 'invalid_credentials')
  }
  assert.equal((await change(token)).code, 'too_many_attempts')
  assert.deepEqual((await stored('Owner')).numbers, [0, 5, 5])
  await database.query("UPDATE users SET device_paused_until = now() WHERE username = 'Owner'")
  assert.equal((await change(token)).status, 200)
  assert.deepEqual((await stored('Owner')).numbers, [1, 5, 0])
})

test('of concurrent changes one succeeds, and the others are not counted', async () => {
  const token = await signUp('Racer')
  const newPasswords = ['one horse battery', 'two horse battery', 'three horse battery']
  const results = await Promise.all(newPasswords.map((next) => change(token, OLD, next)))
  const codes = results.map(({ status, code }) => code ?? status)
  // A request that reads the row after the change finds another version.
  const rejected = codes.filter((code) => code !== 200)
  assert.equal(rejected.length, 2)
  for (const code of rejected) assert.match(String(code), /^(invalid_credentials|token_invalid)$/)
  const winner = codes.indexOf(200)
  assert.equal((await signIn('Racer', newPasswords[winner] ?? '')).status, 200)
  assert.deepEqual((await stored('Racer')).numbers, [1, 0, 0])
})

test('a change whose responses are lost is made once', async () => {
  const token = await signUp('Lossy')
  database.planFaults('reset-before reset-after throttled')
  assert.equal((await change(token)).status, 200)
  assert.deepEqual((await stored('Lossy')).numbers, [1, 0, 0])
})

test('a rehash revokes no token, and the password can be changed after it', async () => {
  const token = await signUp('Cheap')
  await database.query("UPDATE users SET password = $1 WHERE username = 'Cheap'", [
    await hash(OLD, 4),
  ])
  assert.equal((await signIn('Cheap', OLD)).status, 200)
  assert.equal((await me(token)).status, 200)
  assert.equal((await change(token)).status, 200)
})
