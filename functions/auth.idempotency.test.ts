import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { compare } from 'bcryptjs'
import { jwtVerify } from 'jose'
import { serveDatabase } from '../test/support/database.ts'
import { bodyOf, eventWith, JWT_SECRET, loadHandler } from '../test/support/handler.ts'
import { assertDocumented } from '../test/support/openapi.ts'
import { openMigratedPglite } from '../test/support/pglite.ts'

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())
const send = await loadHandler(database.url)

const PASSWORD = 'correct horse battery'
const KEY = '8e03978e-40d5-43e8-bc93-6894a57f9324'

/** The event of a sign-up, with a key if one is given. */
function signUp(username: string, key?: string, password = PASSWORD): APIGatewayProxyEventV2 {
  const event = eventWith({ username, password })
  return { ...event, headers: { ...event.headers, ...(key && { 'idempotency-key': key }) } }
}

/** The ids of all users of the name, and their hashes. */
const stored = (username: string) =>
  database.query('SELECT id, password FROM users WHERE lower(username) = lower($1)', [username])

/** Fails unless the response is a token of the one user of that name, and the password opens it. */
async function assertSignedUp(response: APIGatewayProxyStructuredResultV2, username: string) {
  assert.equal(response.statusCode, 201, response.body)
  assertDocumented(response)
  const token = String(bodyOf(response)['token'])
  const { payload } = await jwtVerify(token, new TextEncoder().encode(JWT_SECRET))
  const [[id, hash] = [], ...others] = await stored(username)
  assert.equal(others.length, 0)
  assert.deepEqual(payload['payload'], { username, id: Number(id) })
  assert.ok(await compare(PASSWORD, hash ?? ''))
}

function assertTaken(response: APIGatewayProxyStructuredResultV2): void {
  assert.equal(response.statusCode, 400)
  assert.equal(bodyOf(response)['code'], 'username_taken')
}

for (const plan of [
  'reset-after',
  'reset-after:7',
  'broken-json:2 reset-after reset-before resuming throttled bad-gateway',
]) {
  test(`after a commit whose response is lost it is 201 and one row: ${plan}`, async () => {
    const name = `Loser ${plan.length}`
    database.planFaults(plan)
    await assertSignedUp(await send(signUp(name)), name)
    await assertSignedUp(await send(signUp(`${name} with key`, KEY)), `${name} with key`)
  })
}

test('the same name, password and key again is 201 with a token of the one row, any number of times', async () => {
  for (let time = 0; time < 3; time += 1)
    await assertSignedUp(await send(signUp('Gary', KEY)), 'Gary')
})

test('a replay whose responses are lost too is 201', async () => {
  await send(signUp('Replayed', KEY))
  database.planFaults('reset-after:2 broken-json reset-after')
  await assertSignedUp(await send(signUp('Replayed', KEY)), 'Replayed')
})

test('anything but an exact replay finds the name taken', async () => {
  await send(signUp('Ada', KEY))
  const others = {
    'another password': signUp('Ada', KEY, 'another password'),
    'another key': signUp('Ada', `${KEY}!`),
    'no key': signUp('Ada'),
    'another letter case': signUp('ADA', KEY),
  }
  for (const event of Object.values(others)) assertTaken(await send(event))
  await assertSignedUp(await send(signUp('Ada', KEY)), 'Ada')
})

test('a key does not open a sign-up that was made without one', async () => {
  await send(signUp('Keyless'))
  assertTaken(await send(signUp('Keyless', KEY)))
})

test('one key may be used for two names', async () => {
  for (const name of ['One', 'Two']) await assertSignedUp(await send(signUp(name, KEY)), name)
})

test('after 24 hours a replay finds the name taken', async () => {
  await send(signUp('Late', KEY))
  const age = (interval: string) =>
    database.query(
      `UPDATE users SET created_at = now() - interval '${interval}' WHERE username = 'Late'`,
    )
  await age('23 hours 59 minutes')
  await assertSignedUp(await send(signUp('Late', KEY)), 'Late')
  await age('24 hours')
  assertTaken(await send(signUp('Late', KEY)))
})

test('simultaneous identical requests with one key are all 201, and store one row', async () => {
  const responses = await Promise.all([1, 2, 3, 4].map(() => send(signUp('Twin', KEY))))
  for (const response of responses) await assertSignedUp(response, 'Twin')
})

test('the key itself is stored nowhere', async () => {
  await send(signUp('Secretive', KEY))
  const rows = await database.query("SELECT * FROM users WHERE username = 'Secretive'")
  assert.ok(!JSON.stringify(rows).includes(KEY))
  assert.equal(rows.length, 1)
})
