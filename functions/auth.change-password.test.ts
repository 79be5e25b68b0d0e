import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { compare, hash } from 'bcryptjs'
import { decodeJwt } from 'jose'
import { serveDatabase } from '../test/support/database.ts'
import { bodyOf, eventWith, loadHandler, readEvent, withToken } from '../test/support/handler.ts'
import { assertDocumented } from '../test/support/openapi.ts'
import { openMigratedPglite } from '../test/support/pglite.ts'

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())
const send = await loadHandler(database.url)

const OLD = 'correct horse battery'
const NEW = 'another horse battery'

async function respond(event: Parameters<typeof send>[0]) {
  const response = await send(event)
  assertDocumented(response, event.routeKey)
  const body = bodyOf(response)
  return { status: response.statusCode, code: body['code'], token: String(body['token']) }
}

const signUp = async (username: string) =>
  (await respond(eventWith({ username, password: OLD }))).token
const signIn = (username: string, password: string, token = '') =>
  respond(withToken(eventWith({ username, password }, 'sign-in'), token))
const me = (token: string) => respond(withToken(readEvent('me'), token))
const changeWith = (token: string, body: unknown) =>
  respond(withToken(eventWith(body, 'change-password'), token))
const change = (token: string, currentPassword: unknown = OLD, newPassword: unknown = NEW) =>
  changeWith(token, { currentPassword, newPassword })

const stored = async (username: string) => {
  const sql = `SELECT password, password_version, failures, device_failures FROM users
    WHERE username = $1`
  const [[password = '', ...numbers] = []] = await database.query(sql, [username])
  return { hash: password ?? '', numbers: numbers.map(Number) }
}

test('the new password opens the account, the old one does not, and older tokens end at once', async () => {
  const token = await signUp('Gary')
  const other = await signIn('Gary', OLD)
  const changed = await change(token)
  assert.equal(changed.status, 200)
  assert.equal(decodeJwt(changed.token)['password_version'], 1)
  assert.equal((await me(changed.token)).status, 200)
  for (const old of [token, other.token]) {
    assert.deepEqual(await me(old).then(({ code }) => code), 'token_invalid')
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

test('a token from before a change does not open the second count', async () => {
  const old = await signUp('Counted')
  const { token } = await change(old)
  for (let time = 0; time < 5; time += 1) await signIn('Counted', OLD)
  assert.equal((await signIn('Counted', NEW, old)).status, 429)
  assert.equal((await signIn('Counted', NEW, token)).status, 200)
})

test('wrong current passwords pause the second count, and no stranger stands in the way', async () => {
  const token = await signUp('Owner')
  for (let time = 0; time < 5; time += 1) await signIn('Owner', NEW)
  for (let time = 0; time < 5; time += 1) {
    assert.equal((await change(token, 'wrong horse battery')).code, 'invalid_credentials')
  }
  assert.equal((await change(token)).code, 'too_many_attempts')
  assert.deepEqual((await stored('Owner')).numbers, [0, 5, 5])
  await database.query("UPDATE users SET device_paused_until = now() WHERE username = 'Owner'")
  assert.equal((await change(token)).status, 200)
  assert.deepEqual((await stored('Owner')).numbers, [1, 5, 0])
})

test('of changes at once one wins, and the others are not counted', async () => {
  const token = await signUp('Racer')
  const news = ['one horse battery', 'two horse battery', 'three horse battery']
  const results = await Promise.all(news.map((next) => change(token, OLD, next)))
  const codes = results.map(({ status, code }) => code ?? status)
  // Whoever reads the row after the change finds another version.
  const lost = codes.filter((code) => code !== 200)
  assert.equal(lost.length, 2)
  for (const code of lost) assert.match(String(code), /^(invalid_credentials|token_invalid)$/)
  assert.ok(
    codes.every(
      (code) =>
        [200, 'invalid_credentials', 'token_invalid'].includes(String(code)) || code === 200,
    ),
  )
  const winner = codes.indexOf(200)
  assert.equal((await signIn('Racer', news[winner] ?? '')).status, 200)
  assert.deepEqual((await stored('Racer')).numbers, [1, 0, 0])
})

test('a change whose look-up is lost is done once', async () => {
  const token = await signUp('Lossy')
  database.planFaults('reset-before reset-after throttled')
  assert.equal((await change(token)).status, 200)
  assert.deepEqual((await stored('Lossy')).numbers, [1, 0, 0])
})

test('a change replaces a hash of a lower cost, and a rehash leaves tokens alone', async () => {
  const token = await signUp('Cheap')
  await database.query("UPDATE users SET password = $1 WHERE username = 'Cheap'", [
    await hash(OLD, 4),
  ])
  assert.equal((await signIn('Cheap', OLD)).status, 200)
  assert.equal((await me(token)).status, 200)
  assert.equal((await change(token)).status, 200)
})

test('every invalid body is as openapi.yaml documents it, and changes nothing', async () => {
  const token = await signUp('Bodies')
  const both = (currentPassword: unknown, newPassword: unknown) => ({
    currentPassword,
    newPassword,
  })
  const refused: Readonly<Record<string, unknown>> = {
    body_missing: '',
    body_not_json: '{',
    body_not_object: [],
    current_password_missing: { newPassword: NEW },
    current_password_not_string: both(7, NEW),
    current_password_not_well_formed: `{"currentPassword":"\\ud800","newPassword":"${NEW}"}`,
    new_password_missing: { currentPassword: OLD },
    new_password_not_string: both(OLD, null),
    new_password_not_well_formed: `{"currentPassword":"x","newPassword":"\\udc00"}`,
    new_password_too_short: both(OLD, 'short'),
    new_password_too_long: both(OLD, 'x'.repeat(73)),
    new_password_nul: both(OLD, `${NEW}\0`),
    new_password_forbidden_character: both(OLD, `${NEW}\uFFFD`),
    new_password_is_service_name: both(OLD, 'LatchKey'),
    new_password_common: both(OLD, 'password1'),
    invalid_credentials: both('x'.repeat(73), NEW),
  }
  for (const [code, body] of Object.entries(refused)) {
    assert.deepEqual(await changeWith(token, body), { status: 401, code, token: 'undefined' })
  }
  assert.equal((await change('x.y.z')).code, 'token_invalid')
  const event = readEvent('change-password')
  const { authorization: _, ...headers } = event.headers
  assert.equal((await respond({ ...event, headers })).code, 'token_missing')
  assert.deepEqual((await stored('Bodies')).numbers, [0, 0, 0])

  const named = await signUp('correct horse')
  assert.equal((await change(named, OLD, 'CORRECT  HORSE')).code, 'new_password_is_username')
})
