import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, hash } from 'bcryptjs'
import { decodeJwt } from 'jose'
import { agedToken, PASSWORD as OLD, startApi, WRONG } from '../test/support/api.ts'

const { database, holdPauses, post, signIn, me, ...api } = await startApi()

const NEW = 'another horse battery'

const signUp = async (username: string) => (await api.signUp(username)).token
const change = (token: string, currentPassword = OLD, newPassword = NEW) =>
  post('change-password', { currentPassword, newPassword }, token)

const stored = async (username: string) => {
  const sql = `SELECT password, password_version, failures, device_failures, fresh_failures FROM users
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
  assert.deepEqual(numbers, [1, 0, 0, 0])

  assert.equal((await change(signedIn.token, NEW, OLD)).status, 200)
  assert.equal((await me(changed.token)).code, 'token_invalid')
})

test('a token signed before a change does not mark a device', async () => {
  const old = await signUp('Counted')
  const { token } = await change(old)
  for (let time = 0; time < 5; time += 1) await signIn('Counted', OLD)
  await holdPauses('Counted')
  assert.equal((await signIn('Counted', NEW, old)).status, 429)
  assert.equal((await signIn('Counted', NEW, token)).status, 200)
})

/** Sends that many wrong current passwords. */
async function fail(token: string, times: number) {
  for (let time = 0; time < times; time += 1) {
    assert.equal((await change(token, WRONG)).code, 'invalid_credentials')
  }
}

const numbersOf = async (username: string) => (await stored(username)).numbers

test('wrong current passwords pause the count of the kind of token', async () => {
  const fresh = await signUp('Owner')
  const old = await agedToken(fresh)
  await fail(old, 5)
  await holdPauses('Owner')
  assert.equal((await change(old)).code, 'too_many_attempts')
  assert.deepEqual(await numbersOf('Owner'), [0, 0, 5, 0])
  await fail(fresh, 5)
  await holdPauses('Owner')
  assert.equal((await change(fresh)).code, 'too_many_attempts')
  assert.deepEqual(await numbersOf('Owner'), [0, 0, 5, 5])
  await database.query("UPDATE users SET device_paused_until = now() WHERE username = 'Owner'")
  assert.equal((await change(old)).status, 200)
})

test('the pauses of a fresh token end after 60 s, those of an older one after 900 s', async () => {
  const fresh = await signUp('Bounded')
  const old = await agedToken(fresh)
  await database.query(`UPDATE users SET fresh_failures = 20, fresh_paused_until = now(),
    device_failures = 20, device_paused_until = now() WHERE username = 'Bounded'`)
  for (const [token, seconds] of [
    [fresh, 60],
    [old, 900],
  ] as const) {
    await fail(token, 1)
    const left = Number((await change(token)).headers?.['retry-after'])
    assert.ok(left <= seconds && left > seconds - 30, `${left}`)
  }
})

test('an owner who signs in again can change the password while the thief of a token guesses', async () => {
  const stolen = await agedToken(await signUp('Robbed'), -29 * 86_400)
  const old = await agedToken((await signIn('Robbed', OLD)).token)
  for (let time = 0; time < 5; time += 1) {
    assert.equal((await signIn('Robbed', WRONG, stolen)).code, 'invalid_credentials')
  }
  await holdPauses('Robbed')
  const paused = await change(old)
  assert.equal(paused.status, 429)
  assert.match(String(paused.json['err']), /sign in again/)
  const { status, token } = await signIn('Robbed', OLD, old)
  assert.equal(status, 200)
  assert.equal((await change(token)).status, 200)
})

test('a new password resets every count', async () => {
  const fresh = await signUp('Renewed')
  const old = await agedToken(fresh)
  for (let time = 0; time < 5; time += 1) {
    assert.equal((await signIn('Renewed', NEW)).code, 'invalid_credentials')
  }
  await fail(old, 5)
  await fail(fresh, 4)
  await holdPauses('Renewed')
  assert.equal((await signIn('Renewed', OLD)).status, 429)
  assert.equal((await change(fresh)).status, 200)
  assert.deepEqual(await numbersOf('Renewed'), [1, 0, 0, 0])
  assert.equal((await signIn('Renewed', NEW)).status, 200)
})

test('the failures of a user whose name an operator has changed are counted', async () => {
  const fresh = await signUp('Former')
  await database.query(
    "UPDATE users SET username = 'Given', username_key = NULL WHERE username = 'Former'",
  )
  await fail(fresh, 5)
  await holdPauses('Given')
  assert.equal((await change(fresh)).code, 'too_many_attempts')
})

test('of concurrent changes one succeeds, and the others are not counted', async () => {
  const token = await signUp('Racer')
  const newPasswords = ['one horse battery', 'two horse battery', 'three horse battery']
  const results = await Promise.all(newPasswords.map((next) => change(token, OLD, next)))
  const codes = results.map(({ status, code }) => code ?? status)
  // A request that reads the row after the change finds another version.
  const rejected = codes.filter((code) => code !== 200)
  assert.equal(rejected.length, 2)
  for (const code of rejected) assert.match(String(code), /^(account_changed|token_invalid)$/)
  const winner = codes.indexOf(200)
  assert.equal((await signIn('Racer', newPasswords[winner] ?? '')).status, 200)
  assert.deepEqual((await stored('Racer')).numbers, [1, 0, 0, 0])
})

test('a change whose responses are lost is made once', async () => {
  const token = await signUp('Lossy')
  database.planFaults('reset-before reset-after throttled')
  assert.equal((await change(token)).status, 200)
  assert.deepEqual((await stored('Lossy')).numbers, [1, 0, 0, 0])
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
