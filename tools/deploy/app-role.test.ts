import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startDataApi } from '../../test/support/data-api.ts'
import { scriptDataApi } from '../../test/support/data-api-script.ts'
import { migrationDatabase } from '../../test/support/migration-database.ts'
import { openTestPglite } from '../../test/support/pglite.ts'
import { migrate } from '../database/schema.ts'
import { parseAppSecret, setUpAppRole } from './app-role.ts'

const PASSWORD = 'aB3'.repeat(21)
const secret = (value: unknown) => JSON.stringify(value)

test('the password is read from the secret of latchkey_app', () => {
  const text = secret({ username: 'latchkey_app', password: PASSWORD, engine: 'postgres' })
  assert.equal(parseAppSecret(text), PASSWORD)
})

const UNUSABLE = {
  'no JSON': PASSWORD,
  'JSON that ends too early': `{"username":"latchkey_app","password":"${PASSWORD}`,
  null: 'null',
  'a list': secret([PASSWORD]),
  'another role': secret({ username: 'postgres', password: PASSWORD }),
  'no password': secret({ username: 'latchkey_app' }),
  'a list for a password': secret({ username: 'latchkey_app', password: [PASSWORD] }),
  'a short password': secret({ username: 'latchkey_app', password: PASSWORD.slice(0, 31) }),
  // SASLprep would change these.
  'an é at the end': secret({ username: 'latchkey_app', password: `${PASSWORD}é` }),
  'an é at the start': secret({ username: 'latchkey_app', password: `é${PASSWORD}` }),
}

for (const [name, text] of Object.entries(UNUSABLE)) {
  test(`a secret with ${name} is rejected, and not quoted`, () => {
    assert.throws(
      () => parseAppSecret(text),
      ({ message, cause }: Error) =>
        /secret.* .*latchkey_app/.test(message) && !/aB3/.test(message) && cause === undefined,
    )
  })
}

test('an error other than a missing role stays as it is', async (t) => {
  // Fits every call: it begins a transaction, and holds the lock.
  const begun = { body: { records: [[{ booleanValue: true }]], transactionId: 'a transaction' } }
  const denied = { name: 'AccessDeniedException', message: 'not you' }
  const response = { status: 400, errorType: denied.name, body: { message: denied.message } }
  const { url } = await scriptDataApi(t, [begun, begun, response, begun])
  await assert.rejects(setUpAppRole(migrationDatabase(t, url), PASSWORD), denied)
})

/** PGlite's one session as Aurora's master: no superuser, owner of the database. */
async function openAsMaster(t: TestContext) {
  const { query, url } = await startDataApi(t, await openTestPglite())
  await query('CREATE ROLE master CREATEDB CREATEROLE')
  await query('ALTER DATABASE postgres OWNER TO master')
  await query('SET SESSION AUTHORIZATION master')
  const asSuperuser = async (...statements: string[]) => {
    await query('SET SESSION AUTHORIZATION postgres')
    const results = []
    for (const sql of statements) results.push(await query(sql))
    await query('SET SESSION AUTHORIZATION master')
    return results
  }
  return { database: migrationDatabase(t, url), asSuperuser }
}

test('a master who is no superuser can migrate and set the role up, and a repeat undoes changes of the role', async (t) => {
  const { database, asSuperuser } = await openAsMaster(t)
  await migrate(database)
  await setUpAppRole(database, PASSWORD)
  await asSuperuser(
    'ALTER ROLE latchkey_app CREATEDB CREATEROLE',
    'SET SESSION AUTHORIZATION latchkey_app',
    'ALTER ROLE latchkey_app SET default_transaction_read_only = on',
    'ALTER ROLE latchkey_app IN DATABASE postgres SET default_transaction_read_only = on',
    'SET SESSION AUTHORIZATION postgres',
  )
  await setUpAppRole(database, PASSWORD)
  const [[attributes] = []] = await asSuperuser(
    `SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolinherit, rolreplication,
      rolbypassrls, EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = pg_authid.oid)
      FROM pg_authid WHERE rolname = 'latchkey_app'`,
  )
  assert.deepEqual(attributes, ['t', 'f', 'f', 'f', 'f', 'f', 'f', 'f'])
})

/** Every right of the role on what the migrations create. */
const RIGHTS = ['column', 'table', 'routine', 'usage'].map(
  (kind) =>
    `SELECT row_to_json(g)::text FROM information_schema.role_${kind}_grants g WHERE grantee = 'latchkey_app' ORDER BY 1`,
)

test('a missing role is an error that says how to restore it, and that works', async (t) => {
  const { database, asSuperuser } = await openAsMaster(t)
  await migrate(database)
  const before = await asSuperuser(...RIGHTS)
  await asSuperuser('DROP OWNED BY latchkey_app', 'DROP ROLE latchkey_app')
  await assert.rejects(setUpAppRole(database, PASSWORD), /There is no role latchkey_app, .* Delete/)
  await database.execute("DELETE FROM latchkey_migrations WHERE name LIKE '%app-role%'")
  await migrate(database)
  await setUpAppRole(database, PASSWORD)
  // A GRANT in a file whose name lacks app-role would be missing now.
  const after = await asSuperuser(...RIGHTS)
  assert.deepEqual(after, before)
  for (const rights of after) assert.notDeepEqual(rights, [])
})
