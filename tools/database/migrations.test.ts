import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ENGINES } from '../../test/support/data-api.ts'
import { migrationDatabase } from '../../test/support/migration-database.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { namesIn } from '../../test/support/yaml.ts'
import type { Database } from './data-api-database.ts'
import { applyMigrations } from './migrations.ts'

function folderWith(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder(t)
  const write = (name: string, sql: string) => writeFileSync(`${folder}/${name}`, sql)
  for (const [name, sql] of Object.entries(files)) write(name, sql)
  return { folder, write }
}

const A_AND_B = {
  '001-a.sql': 'CREATE TABLE a (i int); -- and\nINSERT INTO a VALUES (1);',
  '002-b.sql': 'INSERT INTO a VALUES (2); CREATE TABLE b ();',
}

for (const { on, skip, start } of ENGINES) {
  test(`migrations, on ${on}`, { skip }, async (t) => {
    const { query, url } = await start(t)
    const database = migrationDatabase(t, url)
    const tables = async () => {
      const sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
      return (await query(sql)).flat()
    }
    /** Everything that a migration could have changed, transaction ids of catalogue rows included. */
    const traces = () =>
      query(`SELECT 'record', name, sha256, applied_at::text, xmin::text FROM latchkey_migrations
      UNION ALL SELECT 'class', relname, relacl::text, '', xmin::text FROM pg_class
      UNION ALL SELECT 'role', rolname, '', '', '' FROM pg_roles WHERE rolname = 'latchkey_app'
      ORDER BY 1, 2, 3`)
    t.afterEach(async () => {
      await query('DROP SCHEMA public CASCADE')
      await query('CREATE SCHEMA public')
    })

    await t.test("the service's own are applied once, and change nothing after that", async () => {
      assert.deepEqual(await applyMigrations(database), namesIn('migrations'))
      assert.deepEqual(await tables(), ['latchkey_migrations', 'users'])
      const before = await traces()
      assert.deepEqual(await applyMigrations(database), [])
      assert.deepEqual(await traces(), before)
    })

    await t.test('files are applied by name, others are not, and later ones follow', async (t) => {
      const { folder, write } = folderWith(t, { ...A_AND_B, 'README.md': 'not SQL' })
      const lines: string[] = []
      const say = (line: string) => lines.push(line)
      assert.deepEqual(await applyMigrations(database, { folder, say }), ['001-a.sql', '002-b.sql'])
      write('003-c.sql', 'CREATE TABLE c ()')
      assert.deepEqual(await applyMigrations(database, { folder, say }), ['003-c.sql'])
      assert.deepEqual(await tables(), ['a', 'b', 'c', 'latchkey_migrations'])
      assert.deepEqual(lines, ['Applied 001-a.sql', 'Applied 002-b.sql', 'Applied 003-c.sql'])
    })

    await t.test('a changed file is refused by name, and nothing is applied', async (t) => {
      const { folder, write } = folderWith(t, { '001-a.sql': A_AND_B['001-a.sql'] })
      await applyMigrations(database, { folder })
      write('000-new.sql', 'CREATE TABLE new ()')
      write('001-a.sql', 'CREATE TABLE a (i bigint)')
      const refusal = /^Error: The migration 001-a.sql was changed after it was applied/
      await assert.rejects(applyMigrations(database, { folder }), refusal)
      await assert.rejects(applyMigrations(database, { folder, dryRun: true }), refusal)
      assert.deepEqual(await tables(), ['a', 'latchkey_migrations'])
    })

    await t.test('line ends of another system are no change', async (t) => {
      const { folder, write } = folderWith(t, A_AND_B)
      await applyMigrations(database, { folder })
      for (const [name, sql] of Object.entries(A_AND_B)) write(name, sql.replaceAll('\n', '\r\n'))
      assert.deepEqual(await applyMigrations(database, { folder }), [])
    })

    await t.test('a file that is applied and gone is reported, and stops nothing', async (t) => {
      await applyMigrations(database, folderWith(t, A_AND_B))
      const { folder } = folderWith(t, { '001-a.sql': A_AND_B['001-a.sql'] })
      const lines: string[] = []
      assert.deepEqual(
        await applyMigrations(database, { folder, say: (line) => lines.push(line) }),
        [],
      )
      assert.match(lines.join(), /^002-b.sql is applied and not in the folder/)
    })

    await t.test('a file that fails leaves nothing behind, and is named', async (t) => {
      const { folder, write } = folderWith(t, {
        ...A_AND_B,
        '003-c.sql': 'CREATE TABLE c (); nonsense',
      })
      await assert.rejects(applyMigrations(database, { folder }), {
        message:
          'The migration 003-c.sql failed at statement 2 of 2: ERROR: syntax error at or near "nonsense"; Position: 1; SQLState: 42601',
      })
      assert.deepEqual(await tables(), ['a', 'b', 'latchkey_migrations'])
      write('003-c.sql', 'CREATE TABLE c ()')
      assert.deepEqual(await applyMigrations(database, { folder }), ['003-c.sql'])
    })

    await t.test('the very first that fails leaves no table of records either', async (t) => {
      const { folder } = folderWith(t, { '001-a.sql': 'nonsense' })
      await assert.rejects(
        applyMigrations(database, { folder }),
        /001-a.sql failed at statement 1 of 1/,
      )
      assert.deepEqual(await tables(), [])
    })

    await t.test('a dry run says what it would do, and does nothing', async (t) => {
      const { folder, write } = folderWith(t, A_AND_B)
      const lines: string[] = []
      const dryRun = { folder, dryRun: true, say: (line: string) => lines.push(line) }
      assert.deepEqual(await applyMigrations(database, dryRun), ['001-a.sql', '002-b.sql'])
      assert.deepEqual(await tables(), [])
      await applyMigrations(database, { folder })
      write('003-c.sql', 'CREATE TABLE c ()')
      assert.deepEqual(await applyMigrations(database, dryRun), ['003-c.sql'])
      assert.deepEqual(await tables(), ['a', 'b', 'latchkey_migrations'])
      const names = ['001-a.sql', '002-b.sql', '003-c.sql']
      assert.deepEqual(
        lines,
        names.map((name) => `Would apply ${name}`),
      )
    })

    /** The database, where `commit` does what it says and then loses each response in turn. */
    function losing(...commits: ((id: string) => Promise<void>)[]): Database {
      const commit = async (id: string) => {
        const first = commits.shift()
        if (first === undefined) return database.commit(id)
        await first(id)
        throw new Error('socket hang up')
      }
      return { ...database, commit }
    }
    const neverArrived = async () => {}
    const one = { '001-a.sql': A_AND_B['001-a.sql'] }

    await t.test('a lost response to COMMIT, committed or not: the record says so', async (t) => {
      for (const commit of [database.commit, neverArrived]) {
        const { folder } = folderWith(t, one)
        assert.deepEqual(await applyMigrations(losing(commit), { folder }), ['001-a.sql'])
        assert.deepEqual(await applyMigrations(database, { folder }), [])
        assert.deepEqual(await query('SELECT i FROM a'), [['1']])
        await query('DROP TABLE a, latchkey_migrations')
      }
    })

    await t.test('a second lost response is an error, after which a run is safe', async (t) => {
      const { folder } = folderWith(t, one)
      await assert.rejects(applyMigrations(losing(neverArrived, neverArrived), { folder }), {
        name: 'UncertainCommit',
      })
      assert.deepEqual(await applyMigrations(database, { folder }), ['001-a.sql'])
    })

    await t.test('of several that migrate at once each file is applied by one', async (t) => {
      const { folder } = folderWith(t, A_AND_B)
      const wait = () => sleep(5)
      const runs = Array.from({ length: 5 }, () => applyMigrations(database, { folder, wait }))
      assert.deepEqual((await Promise.all(runs)).flat().sort(), ['001-a.sql', '002-b.sql'])
      assert.deepEqual((await query('SELECT i FROM a ORDER BY i')).flat(), ['1', '2'])
    })
  })
}

const [, { skip, start }] = ENGINES

test('an interrupted migration leaves no transaction behind, whatever statement runs', {
  skip,
}, async (t) => {
  const { query, url } = await start(t)
  const database = migrationDatabase(t, url)
  const { folder } = folderWith(t, {
    '001-a.sql': 'CREATE TABLE a (i int)',
    '002-b.sql': 'ALTER TABLE a ADD COLUMN j int; SELECT pg_sleep(30)',
  })
  const controller = new AbortController()
  const applied = applyMigrations(database, { folder, signal: controller.signal })
  const isAsleep = async () =>
    (await query("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).length > 0
  while (!(await isAsleep())) await sleep(10)
  controller.abort(new Error('SIGTERM'))
  await assert.rejects(applied, /SIGTERM/)
  const open = `SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`
  assert.deepEqual(await query(open), [])
  assert.deepEqual(await query('SELECT i FROM a'), [])
  await assert.rejects(query('SELECT j FROM a'), { code: '42703' })
  // Nothing more is sent after the signal.
  const later = applyMigrations(database, { folder, signal: controller.signal })
  await assert.rejects(later, /SIGTERM/)
})

test('a table that is in use is waited for, and not for long enough to hold requests up', {
  skip,
}, async (t) => {
  const { engine, query, url } = await start(t)
  const database = migrationDatabase(t, url)
  const { folder, write } = folderWith(t, {
    '001-a.sql': `CREATE TABLE a (i int); INSERT INTO a VALUES (1);
      CREATE TABLE settings AS SELECT current_setting('lock_timeout') AS lock,
      current_setting('idle_in_transaction_session_timeout') AS idle`,
  })
  await applyMigrations(database, { folder })
  assert.deepEqual(await query('SELECT lock, idle FROM settings'), [['5s', '20s']])

  const session = await engine.session()
  await session.query('BEGIN')
  await session.query('SELECT i FROM a')
  write('002-b.sql', "SET LOCAL lock_timeout = '50ms'; ALTER TABLE a ADD COLUMN j int")
  const lines: string[] = []
  const applied = await applyMigrations(database, {
    folder,
    say: (line) => lines.push(line),
    async wait() {
      await session.query('COMMIT')
      await session.release()
    },
  })
  assert.deepEqual(applied, ['002-b.sql'])
  assert.deepEqual(lines, ['002-b.sql waits for a table that is in use', 'Applied 002-b.sql'])
})
