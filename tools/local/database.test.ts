import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { BeginTransactionCommand, ExecuteStatementCommand } from '@aws-sdk/client-rds-data'
import postgres from 'postgres'
import { createClient } from '../../test/support/data-api-script.ts'
import { NO_SERVER, temporaryDatabase } from '../../test/support/temporary-database.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { type LocalDatabaseOptions, openLocalDatabase } from './database.ts'

const TARGET = { resourceArn: 'arn:aws:rds:…', secretArn: 'arn:…', database: 'latchkey' }
const APP_SECRET_ARN = 'arn:aws:secretsmanager:…:secret:app'
const INSERT =
  "INSERT INTO users (username, username_key, password) VALUES ('gary', 'gary', 'a hash')"

/** Opens the database of `folder` until `close` or the end of `t`. `lines` are the reports to the developer. */
async function open(t: TestContext, folder: string, options: Partial<LocalDatabaseOptions> = {}) {
  const lines: string[] = []
  const say = (line: string) => lines.push(line)
  const { database: databaseName } = TARGET
  const defaults = { folder, databaseName, appSecretArn: APP_SECRET_ARN, share: false, say }
  const database = await openLocalDatabase({ ...defaults, ...options })
  const { dataApi } = database
  const client = createClient(t, dataApi.url, dataApi.accessKeyId)
  let closed: Promise<void> | undefined
  const close = () => (closed ??= database.close())
  t.after(close)
  const execute = (sql: string, transactionId?: string) =>
    client.send(new ExecuteStatementCommand({ ...TARGET, sql, transactionId }))
  const users = async () =>
    (await execute('SELECT count(*) FROM users')).records?.[0]?.[0]?.longValue
  return { lines, dataApi, client, close, execute, users }
}

test('the embedded database', async (t) => {
  const folder = `${temporaryFolder(t)}/.local`

  await t.test(
    'is created over what an interrupted creation left, migrated and served',
    async (t) => {
      mkdirSync(`${folder}/postgres`, { recursive: true })
      writeFileSync(`${folder}/postgres/PG_VERSION`, '17\n')
      const { lines, client, close, execute, users } = await open(t, folder)
      assert.match(lines[0] ?? '', /^Creating the database in .*\.local\/postgres; .* seconds/)
      assert.equal(lines[1], 'Applied 001-users.sql')
      assert.equal(lines.at(-1), 'Database ready: embedded Postgres (PGlite)')
      await execute(INSERT)
      assert.equal(await users(), 1)

      // A transaction left open must neither hold up the close nor be committed by it.
      const { transactionId } = await client.send(new BeginTransactionCommand(TARGET))
      await execute('DELETE FROM users', transactionId)
      await close()
      assert.ok(!existsSync(`${folder}/owner.json`))
    },
  )

  await t.test('keeps its data, and is shared on request', async (t) => {
    const owner = await open(t, folder, { share: true })
    assert.deepEqual(owner.lines, ['Database ready: embedded Postgres (PGlite)'])
    const guest = await open(t, folder)
    assert.deepEqual(guest.lines, ['Using the database of the endpoint that is running'])
    assert.deepEqual(guest.dataApi, owner.dataApi)
    await guest.close()
    // An endpoint would outlive a borrowed database.
    await assert.rejects(open(t, folder, { share: true }), /Another npm start is running/)
    assert.equal(await owner.users(), 1)
    await owner.close()
  })

  await t.test(
    'that cannot be opened is an error that says what to delete, and its folder is free',
    async () => {
      rmSync(`${folder}/postgres/global`, { recursive: true })
      await assert.rejects(open(t, folder), /cannot be opened .* Delete .*\.local to begin with an/)
      assert.ok(!existsSync(`${folder}/owner.json`))
    },
  )
})

async function connectionError(t: TestContext, databaseUrl: string): Promise<string> {
  let text = ''
  await assert.rejects(open(t, temporaryFolder(t), { databaseUrl }), (error: Error) => {
    text = inspect(error, { depth: null, showHidden: true })
    return /^DATABASE_URL names a Postgres server that cannot be used: [^\n]*[A-Z_\d]{5,}/.test(
      error.message,
    )
  })
  return text
}

test('DATABASE_URL that cannot be used is an error without the password', async (t) => {
  const urls = ['postgres://someone:hunter2@127.0.0.1:1/latchkey', 'someone:hunter2@127.0.0.1']
  for (const url of [...urls, 'postgres://someone:hunter2@[127.0.0.1/latchkey']) {
    assert.doesNotMatch(await connectionError(t, url), /hunter2/)
  }
})

test('DATABASE_URL names the database to use, and nothing is kept on disk', {
  skip: NO_SERVER,
}, async (t) => {
  const databaseUrl = await temporaryDatabase(t)
  const folder = temporaryFolder(t)
  const { lines, close, execute, users } = await open(t, folder, { databaseUrl })
  const { host, pathname } = new URL(databaseUrl)
  assert.equal(lines[0], 'Applied 001-users.sql')
  assert.equal(lines.at(-1), `Database ready: Postgres server at ${host}${pathname}`)
  await execute(INSERT)
  assert.equal(await users(), 1)
  await close()
  assert.ok(!existsSync(`${folder}/owner.json`))
})

test("a missing database and an unknown setting in the URL are reported in Postgres's words", {
  skip: NO_SERVER,
}, async (t) => {
  const url = await temporaryDatabase(t)
  const { href } = new URL('/no_such_database', url)
  assert.match(await connectionError(t, href), /"no_such_database" does not exist.*3D000.*createdb/)
  assert.match(await connectionError(t, `${url}?schema=public`), /"schema".*42704/)
})

/**
 * Creates an ordinary user with that attribute, and an empty database in which the superuser runs the result of
 * `statements`. Resolves with the database's URL for that user.
 */
async function asNewUser(
  t: TestContext,
  attribute: string,
  statements: (user: string, database: string) => string,
): Promise<URL> {
  const url = new URL(await temporaryDatabase(t))
  const database = url.pathname.slice(1)
  const user = `latchkey_test_user_${database.slice(-12)}`
  const once = async (at: string, ...all: string[]) => {
    const sql = postgres(at, { max: 1 })
    for (const statement of all) await sql.unsafe(statement)
    await sql.end()
  }
  // Runs after the database was dropped, and with it what the user owns.
  t.after(() => once(process.env['DATABASE_URL'] ?? '', `DROP ROLE ${user}`))
  const password = 'correct horse battery'
  const create = `CREATE ROLE ${user} LOGIN ${attribute} PASSWORD '${password}'`
  await once(url.href, create, statements(user, database))
  return Object.assign(url, { username: user, password })
}

test('a user who does not own the database gets an error that names the rights', {
  skip: NO_SERVER,
}, async (t) => {
  const revoke = 'REVOKE CREATE ON SCHEMA public FROM PUBLIC'
  const { href: databaseUrl } = await asNewUser(t, 'NOCREATEROLE', () => revoke)
  const opening = open(t, temporaryFolder(t), { databaseUrl })
  await assert.rejects(opening, { message: /42501.*own the database.*CREATEROLE/ })
})

test('with an owner who is not a superuser', { skip: NO_SERVER }, async (t) => {
  const own = (user: string, name: string) => `ALTER DATABASE ${name} OWNER TO ${user}`
  async function start(t: TestContext, attribute: string) {
    const { href: databaseUrl, username } = await asNewUser(t, attribute, own)
    const { client, lines, close } = await open(t, temporaryFolder(t), { databaseUrl })
    const sql = 'SELECT current_user::text'
    const who = async (secretArn: string) =>
      (await client.send(new ExecuteStatementCommand({ ...TARGET, secretArn, sql }))).records
    const roles = [await who(APP_SECRET_ARN), await who(TARGET.secretArn)]
    await close()
    const warnings = lines.filter((line) => line.startsWith('Warning'))
    return { username, roles: roles.map((records) => records?.[0]?.[0]?.stringValue), warnings }
  }

  // First, since it creates the role where the server has none yet.
  await t.test('the function runs as latchkey_app if it may grant that to itself', async (t) => {
    const { username, roles, warnings } = await start(t, 'CREATEROLE')
    assert.deepEqual(roles, ['latchkey_app', username])
    assert.deepEqual(warnings, [])
  })

  await t.test('the function runs as the owner, after one warning, if it may not', async (t) => {
    const { username, roles, warnings } = await start(t, 'NOCREATEROLE')
    assert.deepEqual(roles, [username, username])
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /42501/)
  })
})
