import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ENGINES } from '../../test/support/data-api.ts'
import { migrationDatabase } from '../../test/support/migration-database.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import type { Database } from './data-api-database.ts'
import { applyMigrations } from './migrations.ts'

function folderWith(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder(t)
  const write = (name: string, sql: string) => writeFileSync(`${folder}/${name}`, sql)
  for (const [name, sql] of Object.entries(files)) write(name, sql)
  return { folder, write }
}

function reports() {
  const lines: string[] = []
  return { lines, say: (line: string) => lines.push(line) }
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
    t.afterEach(async () => {
      await query('DROP SCHEMA public CASCADE')
      await query('CREATE SCHEMA public')
    })

    await t.test('files are applied by name, each once; a dry run reports the same', async (t) => {
      const { folder, write } = folderWith(t, { ...A_AND_B, 'README.md': 'not SQL' })
      const { lines, say } = reports()
      const apply = (dryRun = false) => applyMigrations(database, { folder, say, dryRun })
      assert.deepEqual(await apply(true), ['001-a.sql', '002-b.sql'])
      assert.deepEqual(await tables(), [])
      assert.deepEqual(await apply(), ['001-a.sql', '002-b.sql'])
      write('003-c.sql', 'CREATE TABLE c ()')
      assert.deepEqual(await apply(true), ['003-c.sql'])
      assert.deepEqual(await tables(), ['a', 'b', 'latchkey_migrations'])
      assert.deepEqual(await apply(), ['003-c.sql'])
      assert.deepEqual(await tables(), ['a', 'b', 'c', 'latchkey_migrations'])
      assert.deepEqual(lines, [
        ...['Would apply 001-a.sql', 'Would apply 002-b.sql'],
        ...['Applied 001-a.sql', 'Applied 002-b.sql'],
        ...['Would apply 003-c.sql', 'Applied 003-c.sql'],
      ])
    })

    await t.test('line ends and an absent file begin nothing; the file is reported', async (t) => {
      await applyMigrations(database, folderWith(t, A_AND_B))
      const withCrLf = A_AND_B['001-a.sql'].replaceAll('\n', '\r\n')
      const { folder } = folderWith(t, { '001-a.sql': withCrLf })
      const { lines, say } = reports()
      const readOnly = { ...database, begin: assert.fail }
      assert.deepEqual(await applyMigrations(readOnly, { folder, say }), [])
      assert.match(lines.join(), /^002-b.sql is applied and not in the folder/)
    })

    await t.test('a changed file is rejected by name, and nothing is applied', async (t) => {
      const { folder, write } = folderWith(t, { '001-a.sql': A_AND_B['001-a.sql'] })
      await applyMigrations(database, { folder })
      write('000-new.sql', 'CREATE TABLE new ()')
      write('001-a.sql', 'CREATE TABLE a (i bigint)')
      const changed = /^Error: The migration 001-a.sql was changed after it was applied/
      await assert.rejects(applyMigrations(database, { folder }), changed)
      await assert.rejects(applyMigrations(database, { folder, dryRun: true }), changed)
      assert.deepEqual(await tables(), ['a', 'latchkey_migrations'])
    })

    await t.test('a file that fails leaves nothing behind, and is named', async (t) => {
      const { folder, write } = folderWith(t, { ...A_AND_B, '001-a.sql': 'nonsense' })
      const apply = () => applyMigrations(database, { folder })
      await assert.rejects(apply(), /001-a.sql failed at statement 1 of 1/)
      assert.deepEqual(await tables(), [])
      write('001-a.sql', A_AND_B['001-a.sql'])
      write('003-c.sql', 'CREATE TABLE c (); nonsense')
      await assert.rejects(apply(), {
        message:
          'The migration 003-c.sql failed at statement 2 of 2: ERROR: syntax error at or near "nonsense"; Position: 1; SQLState: 42601',
      })
      assert.deepEqual(await tables(), ['a', 'b', 'latchkey_migrations'])
      write('003-c.sql', 'CREATE TABLE c ()')
      assert.deepEqual(await apply(), ['003-c.sql'])
    })

    /** The database with a lost response to each of `commits`, which replace COMMIT in turn. */
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

    await t.test('after a lost response to COMMIT the record decides', async (t) => {
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

    await t.test('of concurrent runs, one applies each file', async (t) => {
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

test('a table in use is waited for in short steps, which delay requests little', {
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
  const { lines, say } = reports()
  const applied = await applyMigrations(database, {
    folder,
    say,
    async wait() {
      await session.query('COMMIT')
      await session.release()
    },
  })
  assert.deepEqual(applied, ['002-b.sql'])
  assert.deepEqual(lines, ['002-b.sql waits for a table that is in use', 'Applied 002-b.sql'])
})
