import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJwt } from 'jose'
import { agedToken, PASSWORD, startApi, WRONG } from '../test/support/api.ts'
import { SESSION_ROUTE_KEYS } from '../test/support/example-requests.ts'
import { fuzzRuns } from '../test/support/fuzz-runs.ts'
import { eventName, readEvent, withToken } from '../test/support/handler.ts'

const { database, respond, post, signIn, me, renew, signOut } = await startApi()

const NEW = 'another horse battery'

const signUpWithSession = (username: string) =>
  post('sign-up', { username, password: PASSWORD, session: true })
const signInWithSession = (username: string, shown?: string, password = PASSWORD) =>
  post('sign-in', { username, password, session: true }, shown)
const change = (token: string, body: object = {}) =>
  post('change-password', { currentPassword: PASSWORD, newPassword: NEW, ...body }, token)
const sessionsOf = (username: string) =>
  database.query(
    `SELECT encode(digest, 'hex'), last_used = '-infinity' FROM sessions
    JOIN users ON id = user_id WHERE username = $1 ORDER BY sessions.created_at`,
    [username],
  )
/** Moves the start and the last use of every session of a user into the past. */
const age = (username: string, created: string, used: string) =>
  database.query(
    `UPDATE sessions SET created_at = now() - CAST($2 AS INTERVAL), last_used = now() - CAST($3 AS INTERVAL)
    WHERE user_id = (SELECT id FROM users WHERE username = $1)`,
    [username, created, used],
  )

test('only a request for a session starts one, and its token is stored as a digest', async () => {
  for (const body of [{}, { session: false }]) {
    const username = `Plain ${Object.keys(body).length}`
    const created = await post('sign-up', { username, password: PASSWORD, ...body })
    assert.deepEqual(Object.keys(created.json), ['token'])
    assert.equal(decodeJwt(created.token)['sid'], undefined)
    assert.deepEqual(await sessionsOf(username), [])
  }
  const { status, token, session } = await signUpWithSession('Gary')
  assert.equal(status, 201)
  assert.match(session, /^lks_[\w-]{43}$/)
  const [[digest = '', ended] = []] = await sessionsOf('Gary')
  assert.equal(ended, 'f')
  const sid = digest?.slice(0, 16)
  const renewed = await renew(session)
  assert.equal(renewed.status, 200)
  const { auth_time: authTime, sid: first } = decodeJwt(token)
  assert.ok(authTime)
  assert.equal(first, sid)
  const { auth_time: none, sid: second, sub } = decodeJwt(renewed.token)
  assert.deepEqual([none, second], [undefined, sid])
  const { id } = (await me(renewed.token)).json
  assert.equal(String(id), sub)
})

test('a sign-out ends the session and its tokens, also the second time, and no other', async () => {
  const { token, session } = await signUpWithSession('Leaver')
  const other = await signInWithSession('Leaver')
  const plain = await signIn('Leaver')
  const renewed = await renew(session)
  for (let time = 0; time < 2; time += 1) {
    const { status, body } = await signOut(session)
    assert.deepEqual([status, body], [204, undefined])
    assert.equal((await renew(session)).code, 'session_ended')
  }
  for (const ended of [token, renewed.token]) {
    assert.equal((await me(ended)).code, 'token_invalid')
    assert.equal((await change(ended)).code, 'token_invalid')
  }
  assert.equal((await renew(other.session)).status, 200)
  for (const valid of [other.token, plain.token]) assert.equal((await me(valid)).status, 200)
})

test('without a session token, or with a token of another kind, the request is rejected without a call', async () => {
  const { token, session } = await signUpWithSession('Mistaken')
  database.planFaults('access-denied:9')
  for (const routeKey of SESSION_ROUTE_KEYS) {
    const event = readEvent(eventName(routeKey))
    const { authorization: _, ...headers } = event.headers
    const missing = await respond({ ...event, headers })
    assert.deepEqual([missing.status, missing.code], [401, 'session_missing'])
    assert.equal(missing.headers?.['www-authenticate'], 'Bearer')
    for (const other of [token, '', session.slice(1), `${session}A`, `${session}\n`]) {
      const malformed = await respond(withToken(event, other))
      assert.deepEqual([malformed.status, malformed.code], [401, 'session_malformed'], other)
    }
  }
  database.planFaults('')
  const unknown = `lks_${'A'.repeat(43)}`
  assert.equal((await renew(unknown)).code, 'session_ended')
  assert.equal((await signOut(unknown)).status, 204)
  // A session token is no token.
  assert.equal((await me(session)).code, 'token_invalid')
})

test('a session ends 30 days after its start, and after 15 days without a renewal', async () => {
  const { token, session } = await signUpWithSession('Ageing')
  for (const [created, used, code] of [
    ['29 days 23 hours', '1 hour', undefined],
    ['20 days', '14 days 23 hours', undefined],
    ['30 days 1 minute', '1 hour', 'session_ended'],
    ['20 days', '15 days 1 minute', 'session_ended'],
  ] as const) {
    await age('Ageing', created, used)
    assert.equal((await me(token)).status, code ? 401 : 200)
    assert.equal((await renew(session)).code, code)
  }
})

test('a renewal records its use once per day', async () => {
  const { session } = await signUpWithSession('Daily')
  const lastUsed = async () => {
    const sql = `SELECT extract(epoch FROM now() - last_used) < 60 FROM sessions
      WHERE user_id = (SELECT id FROM users WHERE username = 'Daily')`
    return (await database.query(sql))[0]?.[0]
  }
  for (const [used, isRecorded] of [
    ['23 hours', 'f'],
    ['25 hours', 't'],
  ] as const) {
    await age('Daily', '3 days', used)
    assert.equal((await renew(session)).status, 200)
    assert.equal(await lastUsed(), isRecorded)
  }
})

test('a change of the password ends every session, and can start one', async () => {
  const { token, session } = await signUpWithSession('Changed')
  const other = await signInWithSession('Changed')
  const changed = await change(token, { session: true })
  assert.equal(changed.status, 200)
  for (const ended of [session, other.session]) {
    assert.equal((await renew(ended)).code, 'session_ended')
  }
  assert.equal((await renew(changed.session)).status, 200)
  const back = await change(changed.token, { currentPassword: NEW, newPassword: PASSWORD })
  assert.equal(back.session, '')
  assert.equal((await me(back.token)).status, 200)
  assert.equal((await renew(changed.session)).code, 'session_ended')
})

test('a deletion ends every session', async () => {
  const { token, session } = await signUpWithSession('Gone')
  assert.equal((await post('delete-account', { password: PASSWORD }, token)).status, 204)
  assert.equal((await renew(session)).code, 'session_ended')
  assert.equal((await me(token)).code, 'token_invalid')
})

test('a token of a changed username stays in its session', async () => {
  const { token, session } = await signUpWithSession('Before')
  const body = { username: 'After', password: PASSWORD }
  const renamed = await post('change-username', body, token)
  assert.equal(decodeJwt(renamed.token)['sid'], decodeJwt(token)['sid'])
  assert.equal((await signOut(session)).status, 204)
  assert.equal((await me(renamed.token)).code, 'token_invalid')
})

test('a sign-in that shows a session of the account ends it, with and without a new one', async () => {
  const first = await signUpWithSession('Shown')
  const stranger = await signUpWithSession('Not Shown')
  const second = await signInWithSession('Shown', first.session)
  assert.equal((await renew(first.session)).code, 'session_ended')
  assert.equal((await renew(second.session)).status, 200)
  assert.equal((await signIn('Shown', PASSWORD, second.session)).session, '')
  assert.equal((await renew(second.session)).code, 'session_ended')
  // A wrong password ends nothing, nor does a session of another account.
  const third = await signInWithSession('Shown', stranger.session)
  assert.equal((await renew(stranger.session)).status, 200)
  assert.equal((await signIn('Shown', WRONG, third.session)).status, 401)
  assert.equal((await renew(third.session)).status, 200)
})

test('a session of the account marks a device, also once it has ended, and that of another does not', async () => {
  const { session } = await signUpWithSession('Device')
  const stranger = await signUpWithSession('Other Device')
  for (let time = 0; time < 5; time += 1) await signIn('Device', WRONG)
  await database.query(
    "UPDATE users SET paused_until = now() + interval '900 s' WHERE username = 'Device'",
  )
  assert.equal((await signIn('Device', PASSWORD, stranger.session)).status, 429)
  assert.equal((await signIn('Device', WRONG, session)).status, 401)
  assert.equal((await signIn('Device', PASSWORD, session)).status, 200)
  assert.equal((await renew(session)).code, 'session_ended')
  assert.equal((await signIn('Device', PASSWORD, session)).status, 200)
})

test('an account has 20 sessions, and the next ends the one that was not used for longest', async () => {
  const sessions: string[] = [(await signUpWithSession('Many')).session]
  for (let count = 1; count < 20; count += 1) {
    sessions.push((await signInWithSession('Many')).session)
  }
  // The first was used last.
  await age('Many', '2 days', '26 hours')
  const [first = '', second = '', ...others] = sessions
  await renew(first)
  await database.query(
    `UPDATE sessions SET last_used = now() - interval '27 hours'
    WHERE digest = sha256(convert_to($1, 'UTF8'))`,
    [second],
  )
  const next = await signInWithSession('Many')
  assert.equal((await sessionsOf('Many')).length, 20)
  assert.equal((await renew(second)).code, 'session_ended')
  for (const session of [first, ...others, next.session]) {
    assert.equal((await renew(session)).status, 200)
  }
})

test('a token of a renewal is not fresh', async () => {
  const { token, session } = await signUpWithSession('Stale')
  const renewed = await renew(session)
  for (const each of [token, renewed.token]) await change(each, { currentPassword: WRONG })
  const sql = "SELECT device_failures, fresh_failures FROM users WHERE username = 'Stale'"
  assert.deepEqual(await database.query(sql), [['1', '1']])
})

test('a replay of a sign-up starts a session of its own', async () => {
  const body = { username: 'Replayed', password: PASSWORD, session: true }
  const event = { ...readEvent('sign-up'), body: JSON.stringify(body), isBase64Encoded: false }
  const keyed = { ...event, headers: { ...event.headers, 'idempotency-key': 'a-key-of-a-replay' } }
  const [first, second] = [await respond(keyed), await respond(keyed)]
  assert.deepEqual([first.status, second.status], [201, 201])
  assert.notEqual(first.session, second.session)
  for (const { session } of [first, second]) assert.equal((await renew(session)).status, 200)
})

test('lost responses start one session, and a renewal and a sign-out are safe to retry', async () => {
  database.planFaults('reset-after:2 broken-json')
  const { session } = await signUpWithSession('Lossy')
  assert.equal((await sessionsOf('Lossy')).length, 1)
  // The first call reads the account.
  database.planFaults('reset-before reset-after reset-after:2')
  const second = await signInWithSession('Lossy')
  assert.equal((await sessionsOf('Lossy')).length, 2)
  database.planFaults('reset-after broken-json')
  assert.equal((await renew(session)).status, 200)
  database.planFaults('reset-after')
  assert.equal((await signOut(session)).status, 204)
  assert.equal((await renew(session)).code, 'session_ended')
  database.planFaults('reset-before reset-after:2')
  const changed = await change(second.token, { session: true })
  assert.equal((await renew(changed.session)).status, 200)
})

test('any text in place of a session token is rejected, or of no session, and never a server error', async () => {
  const lks = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_'), minLength: 42, maxLength: 44 })
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    lks.map((text) => `Bearer lks_${text}`),
    fc.string().map((text) => `Bearer ${text}`),
  )
  await fc.assert(
    fc.asyncProperty(
      texts,
      fc.constantFrom(...SESSION_ROUTE_KEYS),
      async (authorization, routeKey) => {
        const event = readEvent(eventName(routeKey))
        const { status, code } = await respond({
          ...event,
          headers: { ...event.headers, authorization },
        })
        assert.match(`${status} ${code}`, /^(401 session_(missing|malformed|ended)|204 undefined)$/)
      },
    ),
    { numRuns: fuzzRuns(100, 2000) },
  )
})

test('the session of a token is checked only if the token has one of the right form', async () => {
  const { token } = await signUpWithSession('Forged')
  assert.equal((await me(await agedToken(token))).status, 200)
})
