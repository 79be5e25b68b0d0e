import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import postgres from 'postgres'
import { foldUsername } from '../../lib/accounts/usernames.ts'
import { lockAppRole } from '../../test/support/app-role.ts'
import { type DataApi, startDataApi } from '../../test/support/data-api.ts'
import { migrationDatabase } from '../../test/support/migration-database.ts'
import { openTestPglite } from '../../test/support/pglite.ts'
import { NO_SERVER, noSuperuser, temporaryDatabase } from '../../test/support/temporary-database.ts'
import { userStore } from '../../test/support/user-store.ts'
import { migrate } from '../database/schema.ts'
import { connectPostgres } from '../local/data-api/postgres-engine.ts'
import { setUpAppRole } from './app-role.ts'

/** What the role has no business to do; each must be refused for want of a privilege. */
const FORBIDDEN = [
  'SELECT created_at FROM users',
  'SELECT idempotency_key_sha256 FROM users',
  'DELETE FROM repeatable_sign_ups',
  "UPDATE repeatable_sign_ups SET username = 'another'",
  'SELECT * FROM users',
  'SELECT users FROM users',
  'DELETE FROM users',
  'TRUNCATE users',
  'DO $$ BEGIN LOCK TABLE users IN ACCESS EXCLUSIVE MODE; END $$',
  'SELECT username_key, idempotency_key_sha256 FROM users',
  "UPDATE users SET username_key = 'another'",
  "UPDATE users SET idempotency_key_sha256 = 'another'",
  'UPDATE users SET id = 1',
  'UPDATE users SET created_at = now()',
  "INSERT INTO users (id, username, password) VALUES (1, 'a', 'b')",
  "INSERT INTO users (username, password, created_at) VALUES ('a', 'b', now())",
  "INSERT INTO users (username, password) VALUES ('a', 'b') RETURNING created_at",
  "INSERT INTO users (username, password, failures) VALUES ('a', 'b', 0)",
  'CREATE OR REPLACE FUNCTION is_repeatable_sign_up(BIGINT, TEXT) RETURNS BOOLEAN LANGUAGE sql AS $$ SELECT true $$',
  'SELECT last_value FROM users_id_seq',
  "SELECT setval('users_id_seq', 1)",
  'ALTER SEQUENCE users_id_seq RESTART',
  'SELECT name FROM latchkey_migrations',
  "INSERT INTO latchkey_migrations (name, sha256) VALUES ('a', 'b')",
  'DROP TABLE latchkey_migrations',
  'DROP TABLE users',
  'ALTER TABLE users ADD COLUMN a int',
  'CREATE INDEX a ON users (username)',
  'CREATE TRIGGER a AFTER INSERT ON users EXECUTE FUNCTION suppress_redundant_updates_trigger()',
  'CREATE TABLE a ()',
  'CREATE TEMPORARY TABLE a ()',
  'CREATE VIEW a AS SELECT 1',
  "CREATE FUNCTION a() RETURNS int LANGUAGE sql AS 'SELECT 1'",
  'CREATE TYPE a AS ENUM ()',
  'CREATE SCHEMA a',
  'CREATE ROLE a',
  'CREATE DATABASE a',
  'ALTER ROLE latchkey_app CREATEDB',
  'ALTER ROLE latchkey_app CREATEROLE',
  'GRANT pg_read_all_data TO latchkey_app',
  'SELECT rolpassword FROM pg_authid',
  "SELECT pg_read_file('PG_VERSION')",
  'CHECKPOINT',
]

/**
 * What Postgres lets every role do, and a master who is no superuser cannot take away: large objects, advisory
 * locks. SECURITY.md says so.
 */
const OPEN = ["SELECT lo_from_bytea(0, 'a')", 'SELECT pg_try_advisory_lock(7202613)']

/** Holds the role to its purpose, through a Data API that is logged in as it. */
async function holdToItsPurpose(t: TestContext, { client, execute }: DataApi): Promise<void> {
  const users = userStore(client)
  const named = (username: string) => ({ username, usernameKey: foldUsername(username) })
  const keyed = (username: string) => ({ ...named(username), idempotencyKeySha256: 'a digest' })
  const insertUser = (username: string, passwordHash: string) =>
    users.insertUser({ ...keyed(username), passwordHash })

  await t.test('it is latchkey_app, and no superuser', async () => {
    const sql = "SELECT session_user::text, current_user::text, current_setting('is_superuser')"
    const { records } = await execute(sql)
    const values = records?.[0]?.map(({ stringValue }) => stringValue)
    assert.deepEqual(values, ['latchkey_app', 'latchkey_app', 'off'])
  })

  await t.test(
    'it may store a user, find a name taken, repeat itself, and find a replay',
    async () => {
      const created = await insertUser('Gary', 'a hash')
      assert.equal(created?.username, 'Gary')
      assert.equal(await insertUser('gARY', 'another hash'), undefined)
      assert.deepEqual(await insertUser('Gary', 'a hash'), created)
      const earlier = await users.findReplayed(keyed('Gary'))
      assert.equal(earlier?.passwordHash, 'a hash')
    },
  )

  await t.test('it may find an account, count and end failures, and replace a hash', async () => {
    const { id } = (await users.findAccount('gary')) ?? { id: 0 }
    assert.equal((await users.findAccountById(id))?.username, 'Gary')
    for (const attempter of ['stranger', 'device'] as const) {
      const failures = async () => (await users.findAccount('gary'))?.attempts[attempter].failures
      await users.countFailure(id, attempter)
      assert.ok(await users.chargeAttempt(id, attempter, 1))
      assert.equal(await failures(), 2)
      await users.resetFailures(id, attempter)
      assert.equal(await failures(), 0)
    }
    assert.ok(await users.replaceHash(id, 'a hash', 'a newer hash'))
    assert.ok(await users.changeHash(id, 0, 'another hash'))
    const { id: gone = 0 } = (await insertUser('Gone', 'a hash')) ?? {}
    await users.deleteUser(gone)
    assert.equal(await users.findAccountById(gone), undefined)
  })

  for (const sql of OPEN)
    await t.test(`it may, as every role: ${sql}`, async () => void (await execute(sql)))

  for (const sql of FORBIDDEN) {
    const refusal = { name: 'DatabaseErrorException', message: /SQLState: 42501$/ }
    await t.test(`it may not: ${sql}`, () => assert.rejects(execute(sql), refusal))
  }
}

test('the role of the function, on PGlite', async (t) => {
  const dataApi = await startDataApi(t, await openTestPglite())
  // As on Aurora, where the master is no superuser. PGlite has one session and no logins.
  await dataApi.execute('CREATE ROLE master CREATEROLE')
  await dataApi.execute('ALTER DATABASE postgres OWNER TO master')
  await dataApi.execute('SET SESSION AUTHORIZATION master')
  await migrate(migrationDatabase(t, dataApi.url))
  await dataApi.execute('SET SESSION AUTHORIZATION postgres')
  await dataApi.execute('SET SESSION AUTHORIZATION latchkey_app')
  await holdToItsPurpose(t, dataApi)
})

test('the role of the function, on a Postgres server', { skip: NO_SERVER }, async (t) => {
  // Nobody else may drop a database to which another role is connected.
  const reason = await noSuperuser()
  if (reason) return t.skip(reason)
  await lockAppRole(t)
  const databaseUrl = await temporaryDatabase(t)
  const { url } = await startDataApi(t, await connectPostgres(databaseUrl))
  const database = migrationDatabase(t, url)
  await migrate(database)
  const password = randomBytes(32).toString('hex')
  // Two at once, as two pipelines would: Postgres alone would refuse one of them.
  await Promise.all([setUpAppRole(database, password), setUpAppRole(database, password)])

  const appUrl = new URL(databaseUrl)
  appUrl.username = 'latchkey_app'
  appUrl.password = password
  await holdToItsPurpose(t, await startDataApi(t, await connectPostgres(appUrl.href)))

  await t.test('it needs the password of its secret, where the server asks for one', async (t) => {
    appUrl.password = 'another'
    const sql = postgres(appUrl.href, { max: 1 })
    t.after(() => sql.end())
    await sql`SELECT 1`.then(
      () => t.skip('this server trusts every login from here'),
      (error: unknown) =>
        assert.equal(error instanceof postgres.PostgresError && error.code, '28P01'),
    )
  })
})
