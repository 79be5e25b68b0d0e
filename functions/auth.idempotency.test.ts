import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare } from 'bcryptjs'
import { jwtVerify } from 'jose'
import { PASSWORD, startApi } from '../test/support/api.ts'
import { JWT_SECRET } from '../test/support/handler.ts'

const { database, ...api } = await startApi()

const KEY = '8e03978e-40d5-43e8-bc93-6894a57f9324'

const signUp = (username: string, key?: string, password = PASSWORD) =>
  api.signUp(username, password, key)

type Response = Awaited<ReturnType<typeof signUp>>

/** Returns the ids of all users of the name, and their hashes. */
const stored = (username: string) =>
  database.query('SELECT id, password FROM users WHERE lower(username) = lower($1)', [username])

/** Fails unless the response is a token of the one user of that name, and its hash is of the password. */
async function assertSignedUp(response: Response, username: string) {
  assert.equal(response.status, 201, response.body)
  const { payload } = await jwtVerify(response.token, new TextEncoder().encode(JWT_SECRET))
  const [[id, hash] = [], ...others] = await stored(username)
  assert.equal(others.length, 0)
  assert.deepEqual(payload['payload'], { username, id: Number(id) })
  assert.ok(await compare(PASSWORD, hash ?? ''))
}

function assertTaken({ status, code }: Response): void {
  assert.deepEqual([status, code], [400, 'username_taken'])
}

for (const plan of [
  'reset-after',
  'reset-after:7',
  'broken-json:2 reset-after reset-before resuming throttled bad-gateway',
]) {
  test(`a sign-up whose response is lost after the commit is 201 and one row: ${plan}`, async () => {
    const name = `Loser ${plan.length}`
    database.planFaults(plan)
    await assertSignedUp(await signUp(name), name)
    await assertSignedUp(await signUp(`${name} with key`, KEY), `${name} with key`)
  })
}

test('any number of requests with the same name, password and key are 201 with a token of the one row', async () => {
  for (let time = 0; time < 3; time += 1) await assertSignedUp(await signUp('Gary', KEY), 'Gary')
})

test('a replay whose responses are lost too is 201', async () => {
  await signUp('Replayed', KEY)
  database.planFaults('reset-after:2 broken-json reset-after')
  await assertSignedUp(await signUp('Replayed', KEY), 'Replayed')
})

test('anything but an exact replay finds the name taken', async () => {
  await signUp('Ada', KEY)
  const others = {
    'another password': signUp('Ada', KEY, 'another password'),
    'another key': signUp('Ada', `${KEY}!`),
    'no key': signUp('Ada'),
    'another letter case': signUp('ADA', KEY),
  }
  for (const response of Object.values(others)) assertTaken(await response)
  await assertSignedUp(await signUp('Ada', KEY), 'Ada')
})

test('a key does not open a sign-up that was made without one', async () => {
  await signUp('Keyless')
  assertTaken(await signUp('Keyless', KEY))
})

test('one key may be used for two names', async () => {
  for (const name of ['One', 'Two']) await assertSignedUp(await signUp(name, KEY), name)
})

test('after 24 hours a replay finds the name taken', async () => {
  await signUp('Late', KEY)
  const age = (interval: string) =>
    database.query(
      `UPDATE users SET created_at = now() - interval '${interval}' WHERE username = 'Late'`,
    )
  await age('23 hours 59 minutes')
  await assertSignedUp(await signUp('Late', KEY), 'Late')
  await age('24 hours')
  assertTaken(await signUp('Late', KEY))
})

test('simultaneous identical requests with one key are all 201, and store one row', async () => {
  const responses = await Promise.all([1, 2, 3, 4].map(() => signUp('Twin', KEY)))
  for (const response of responses) await assertSignedUp(response, 'Twin')
})

test('the key itself is stored nowhere', async () => {
  await signUp('Secretive', KEY)
  const rows = await database.query("SELECT * FROM users WHERE username = 'Secretive'")
  assert.ok(!JSON.stringify(rows).includes(KEY))
  assert.equal(rows.length, 1)
})
