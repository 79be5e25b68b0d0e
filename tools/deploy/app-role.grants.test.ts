import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  ExecuteStatementCommand,
  type ExecuteStatementCommandOutput,
} from '@aws-sdk/client-rds-data'
import postgres from 'postgres'
import { lockAppRole } from '../../test/support/app-role.ts'
import { startDataApi } from '../../test/support/data-api.ts'
import { createClient } from '../../test/support/data-api-script.ts'
import { serveDatabase } from '../../test/support/database.ts'
import { DB_SECRET_ARN } from '../../test/support/handler.ts'
import { migrationDatabase } from '../../test/support/migration-database.ts'
import { openTestPglite } from '../../test/support/pglite.ts'
import { NO_SERVER, noSuperuser, temporaryDatabase } from '../../test/support/temporary-database.ts'
import { migrate } from '../database/schema.ts'
import { connectPostgres } from '../local/data-api/postgres-engine.ts'
import { setUpAppRole } from './app-role.ts'

/** Statements that must fail because the role lacks a privilege. */
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
  'DELETE FROM sessions',
  'TRUNCATE sessions',
  'DO $$ BEGIN LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE; END $$',
  "UPDATE sessions SET digest = 'a'",
  'UPDATE sessions SET user_id = 1',
  'UPDATE sessions SET password_version = 1',
  'UPDATE sessions SET created_at = now()',
  "INSERT INTO sessions (digest, user_id, password_version, last_used) VALUES ('a', 1, 0, now())",
  'DROP TABLE sessions',
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
 * Statements that the service does not need and the role can run, as SECURITY.md says. A master who is no superuser
 * cannot revoke the first three, which Postgres allows every role. The view is for the previous release.
 */
const OPEN = [
  "SELECT lo_from_bytea(0, 'a')",
  'SELECT pg_try_advisory_lock(7202613)',
  'ALTER ROLE latchkey_app SET default_transaction_read_only = off',
  'SELECT idempotency_key_sha256 FROM repeatable_sign_ups',
  'SELECT delete_user(id) FROM users',
]

type Execute = (sql: string) => Promise<ExecuteStatementCommandOutput>

/** Tests that the role can do only what it is for. */
async function holdToItsPurpose(t: TestContext, execute: Execute): Promise<void> {
  await t.test('it is latchkey_app, and no superuser', async () => {
    const { records } = await execute("SELECT current_user::text, current_setting('is_superuser')")
    const values = records?.[0]?.map(({ stringValue }) => stringValue)
    assert.deepEqual(values, ['latchkey_app', 'off'])
  })

  await t.test('a null name is no error, whose DETAIL would quote the digest', async () => {
    await execute("INSERT INTO users (username, password) VALUES ('gary', 'a hash')")
    const sql = "SELECT change_username(id, username, password_version, NULL, 'key') FROM users"
    assert.deepEqual((await execute(sql)).records, [[{ isNull: true }]])
  })

  for (const sql of OPEN) await t.test(`it may: ${sql}`, async () => void (await execute(sql)))

  for (const sql of FORBIDDEN) {
    const denied = { name: 'DatabaseErrorException', message: /SQLState: 42501$/ }
    await t.test(`it may not: ${sql}`, () => assert.rejects(execute(sql), denied))
  }
}

test('the role of the function, on PGlite', async (t) => {
  const engine = await openTestPglite()
  // As on Aurora, where the master is no superuser.
  const session = await engine.session()
  for (const sql of [
    'CREATE ROLE master CREATEROLE',
    'ALTER DATABASE postgres OWNER TO master',
    'SET SESSION AUTHORIZATION master',
  ])
    await session.run(sql)
  await session.release()
  const { url, close } = await serveDatabase(engine)
  t.after(close)
  const client = createClient(t, url)
  const target = { resourceArn: 'arn:aws:rds:…', secretArn: DB_SECRET_ARN }
  await holdToItsPurpose(t, (sql) => client.send(new ExecuteStatementCommand({ ...target, sql })))
})

test('the role of the function, on a Postgres server', { skip: NO_SERVER }, async (t) => {
  // Only a superuser may drop a database to which another role is connected.
  const reason = await noSuperuser()
  if (reason) return t.skip(reason)
  await lockAppRole(t)
  const databaseUrl = await temporaryDatabase(t)
  const { url } = await startDataApi(t, await connectPostgres(databaseUrl))
  const database = migrationDatabase(t, url)
  await migrate(database)
  const password = randomBytes(32).toString('hex')
  // Two at once, as two pipelines would: without the lock Postgres rejects one.
  await Promise.all([setUpAppRole(database, password), setUpAppRole(database, password)])

  const appUrl = new URL(databaseUrl)
  appUrl.username = 'latchkey_app'
  appUrl.password = password
  const { execute } = await startDataApi(t, await connectPostgres(appUrl.href))
  await holdToItsPurpose(t, (sql) => execute(sql))

  await t.test('parameters that it sets for itself last until the next set-up', async (t) => {
    const isReadOnly = async () => {
      const sql = postgres(appUrl.href, { max: 1 })
      t.after(() => sql.end())
      const [row] = await sql`SHOW default_transaction_read_only`
      return row?.['default_transaction_read_only']
    }
    for (const scope of ['', `IN DATABASE ${appUrl.pathname.slice(1)}`]) {
      await execute(`ALTER ROLE latchkey_app ${scope} SET default_transaction_read_only = on`)
      assert.equal(await isReadOnly(), 'on')
      await setUpAppRole(database, password)
      assert.equal(await isReadOnly(), 'off')
    }
  })

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
