import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { compare, hash } from 'bcryptjs'
import { foldUsername } from '../../lib/accounts/usernames.ts'
import { STACK_OUTPUTS, serveAws } from '../../test/support/aws-endpoint.ts'
import { callCommand, runCommand } from '../../test/support/command.ts'
import { ENGINES } from '../../test/support/data-api.ts'
import { migrationDatabase } from '../../test/support/migration-database.ts'
import { previousRelease } from '../../test/support/previous-release.ts'
import { applyMigrations } from '../database/migrations.ts'
import { migrate } from '../database/schema.ts'
import { ACCOUNT } from './account.ts'

const HASH = await hash('correct horse battery', 4)

for (const { on, skip, start } of ENGINES) {
  test(`npm run account, on ${on}`, { skip }, async (t) => {
    const { query, url } = await start(t)
    const database = migrationDatabase(t, url)
    await migrate(database)

    /** A deployed stage with one user, Gary, whose account is paused, and whose fresh failures have lapsed. */
    async function deployStage(t: TestContext) {
      await query('TRUNCATE users RESTART IDENTITY CASCADE')
      await query(
        `INSERT INTO users (username, username_key, password, failures, paused_until, device_failures,
          device_paused_until, fresh_failures, fresh_paused_until)
        VALUES ('Gary', 'gary', '${HASH}', 7, now() + interval '400 seconds', 2, now(), 3, now() - interval '25 hours')`,
      )
      return serveStage(t)
    }

    async function serveStage(t: TestContext) {
      const { env } = await serveAws(t, { outputs: { ...STACK_OUTPUTS, BcryptCost: '10' } })
      const aws = { ...env, AWS_ENDPOINT_URL_RDS_DATA: url }
      const account = (...args: string[]) => callCommand(ACCOUNT, ['--stage', 'dev', ...args], aws)
      const row = async () => {
        const columns =
          'password, password_version, failures, device_failures, fresh_failures, paused_until'
        const [found] = await query(`SELECT ${columns} FROM users ORDER BY id`)
        return found
      }
      return { aws, account, row }
    }

    const namesById = async () => Object.fromEntries(await query('SELECT id, username FROM users'))

    await t.test(
      'show finds any spelling of the name, prints no hash, and changes nothing',
      async (t) => {
        const { aws, row } = await deployStage(t)
        const before = await row()
        const args = ['--stage', 'dev', 'ＧＡＲＹ', 'show']
        const { stdout, stderr, status } = await runCommand('tools/deploy/account.ts', args, aws)
        assert.deepEqual([stderr, status], ['', 0])
        assert.match(stdout, /^1 Gary, since 20.*version 0/)
        assert.match(stdout, /^strangers.*: 7 .* paused for \d+ s$/m)
        assert.match(stdout, /^devices.*: 2 .* not paused$/m)
        assert.match(stdout, /^devices.* 5 minutes: 0 .* not paused$/m)
        assert.ok(!stdout.includes(HASH))
        assert.deepEqual(await row(), before)
      },
    )

    await t.test('unpause, sign-out and delete change only their own columns', async (t) => {
      const { account, row } = await deployStage(t)
      assert.equal((await account('gary', 'unpause', '--yes')).status, 0)
      assert.deepEqual(await row(), [HASH, '0', '0', '0', '0', null])
      assert.equal((await account('gary', 'sign-out', '--yes')).status, 0)
      assert.deepEqual(await row(), [HASH, '1', '0', '0', '0', null])
      assert.equal((await account('gary', 'delete', '--yes')).status, 0)
      assert.equal(await row(), undefined)
      const gone = await account('gary', 'delete', '--yes')
      assert.deepEqual([gone.status, gone.stdout], [1, ''])
      assert.match(gone.stderr, /no account with this name/)
    })

    await t.test(
      'reset-password prints the new password, revokes tokens and resets every count',
      async (t) => {
        const { account, row } = await deployStage(t)
        const { stdout, status } = await account('gary', 'reset-password', '--yes')
        assert.equal(status, 0)
        const password = /shown once: ([\w-]{20})$/m.exec(stdout)?.[1] ?? ''
        const [stored, ...numbers] = (await row()) ?? []
        assert.ok(await compare(password, stored ?? ''))
        assert.match(stored ?? '', /^\$2b\$10\$/)
        assert.deepEqual(numbers, ['1', '0', '0', '0', null])
      },
    )

    await t.test('show counts sessions that have not ended, and sign-out ends them', async (t) => {
      const { account } = await deployStage(t)
      await query(`INSERT INTO sessions (digest, user_id, password_version, created_at, last_used)
        SELECT sha256(convert_to(used || created, 'UTF8')), 1, 0, now() - CAST(created AS INTERVAL),
          now() - CAST(used AS INTERVAL)
        FROM (VALUES ('0 s', '1 hour'), ('14 days', '29 days'), ('16 days', '20 days'), ('0 s', '31 days'))
          AS rows (used, created)`)
      assert.match((await account('gary', 'show')).stdout, /^sessions: 2$/m)
      assert.equal((await account('gary', 'sign-out', '--yes')).status, 0)
      assert.match((await account('gary', 'show')).stdout, /^sessions: 0$/m)
    })

    await t.test('nothing changes without --yes and without a terminal', async (t) => {
      const { account, row } = await deployStage(t)
      const before = await row()
      process.stdin.isTTY = false // Also where a person runs this file.
      const actions = [['unpause'], ['sign-out'], ['reset-password'], ['rename', 'x'], ['delete']]
      for (const action of actions) {
        const { stderr, status } = await account('gary', ...action)
        assert.equal(status, 1)
        assert.match(stderr, /^Nothing was done: .*--yes/)
      }
      assert.deepEqual(await row(), before)
      assert.deepEqual(await namesById(), { 1: 'Gary' })
    })

    await t.test(
      'an id selects no name, and a name that is a number or "list" no id',
      async (t) => {
        const { account } = await deployStage(t)
        await query(`INSERT INTO users (id, username, username_key, password)
        VALUES (57, 'Ann', 'ann', 'a'), (58, '57', '57', 'a'), (59, 'list', 'list', 'a')`)
        const shown = async (...args: string[]) => {
          const { stdout } = await account(...args, 'show')
          return /^(\d+ \S+),/.exec(stdout)?.[1]
        }
        assert.equal(await shown('57'), '58 57')
        assert.equal(await shown('--id', '57'), '57 Ann')
        assert.equal(await shown('list'), '59 list')
        assert.equal(await shown('58'), undefined)
        assert.equal((await account('58', 'delete', '--yes')).status, 1)
        assert.equal((await account('--id', '2', 'delete', '--yes')).status, 1)
        assert.equal((await account('--id', '57', 'delete', '--yes')).status, 0)
        assert.deepEqual(await namesById(), { 1: 'Gary', 58: '57', 59: 'list' })
        assert.equal((await account('57', 'rename', 'Ann', '--yes')).status, 0)
        assert.deepEqual(await namesById(), { 1: 'Gary', 58: 'Ann', 59: 'list' })
      },
    )

    await t.test('rename stores the name in NFC with its key, and keeps the rest', async (t) => {
      const { account, row } = await deployStage(t)
      const before = await row()
      // A former release has stored this name without a key; another user has the key that it folds to.
      await query(`INSERT INTO users (username, username_key, password)
        VALUES ('Ann', NULL, 'a'), ('\u017fam', NULL, 'a'), ('Sam', 'sam', 'a')`)
      assert.match((await account('\u017fam', 'show')).stdout, /^4 /)
      const names = ['Stra\u00dfe I\u0307', 'Anna', 'Sam Two', 'Sam']
      assert.equal((await account('gary', 'rename', 'Stra\u00dfe I\u0307', '--yes')).status, 0)
      assert.equal((await account('ANN', 'rename', 'Anna', '--yes')).status, 0)
      assert.equal((await account('--id', '3', 'rename', 'Sam Two', '--yes')).status, 0)
      const expected = names.map((name) => [name.normalize('NFC'), foldUsername(name)])
      const stored = () => query('SELECT username, username_key FROM users ORDER BY id')
      assert.deepEqual(await stored(), expected)
      assert.deepEqual(await row(), before)
      // Taken, in any spelling; its own name is not.
      for (const name of ['anna', 'STRASSE I', '\u017fAM']) {
        const taken = await account('--id', '3', 'rename', name, '--yes')
        assert.equal(taken.status, 1)
        assert.doesNotMatch(taken.stderr, /SQLState|users_/)
      }
      assert.deepEqual(await stored(), expected)
      assert.equal((await account('sam', 'rename', 'SAM', '--yes')).status, 0)
      assert.equal((await namesById())[4], 'SAM')
    })

    await t.test(
      'a row that another process has deleted or renamed meanwhile is reported',
      async (t) => {
        const { account } = await deployStage(t)
        await query(
          `CREATE FUNCTION keep() RETURNS TRIGGER LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
        )
        await query(
          'CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION keep()',
        )
        for (const action of [['unpause'], ['reset-password'], ['rename', 'x'], ['delete']]) {
          const { stdout, status } = await account('gary', ...action, '--yes')
          assert.equal(status, 1)
          assert.doesNotMatch(stdout, /Done|shown once/)
        }
        await query('DROP FUNCTION keep CASCADE')
      },
    )

    await t.test(
      'list --paused prints the ids that pause, the longest first, and no name',
      async (t) => {
        const { account } = await deployStage(t)
        await query(`INSERT INTO users (username, username_key, password, device_failures, device_paused_until)
        SELECT 'user ' || i, 'user ' || i, 'a', i, now() + interval '1 second' * (400 + 10 * i)
        FROM generate_series(1, 110) AS i`)
        await query("UPDATE users SET device_paused_until = now() WHERE username = 'user 110'")
        const { stdout, status } = await account('list', '--paused')
        const [first, ...lines] = stdout.trim().split('\n')
        assert.match(first ?? '', /\b110$/)
        const ids = lines.map((line) => Number(/^\d+/.exec(line)?.[0]))
        assert.deepEqual([status, ids], [0, Array.from({ length: 100 }, (_, index) => 110 - index)])
        assert.match(lines[0] ?? '', /^110 devices[^;]*: 109 .* paused for \d+ s$/)
        assert.doesNotMatch(stdout, /user|Gary/)
        await query('DELETE FROM users WHERE id > 1')
        assert.match((await account('list', '--paused')).stdout, /\n1 strangers[^;]*: 7 [^;]*\n$/)
        await query('DELETE FROM users')
        assert.match((await account('list', '--paused')).stdout, /^[^\n]* 0\n$/)
      },
    )

    await t.test(
      'before the migration to keys, users are shown, renamed and deleted',
      async (t) => {
        await query('DROP SCHEMA public CASCADE')
        await query('CREATE SCHEMA public')
        await applyMigrations(database, { folder: previousRelease(t) })
        await query("INSERT INTO users (username, password) VALUES ('Sam', 'a'), ('\u017fam', 'a')")
        const { account } = await serveStage(t)
        assert.match((await account('SAM', 'show')).stdout, /^1 Sam, since 20.*\d\n$/)
        assert.equal((await account('--id', '2', 'rename', 'sAM', '--yes')).status, 1)
        assert.equal((await account('--id', '2', 'rename', 'Sam Two', '--yes')).status, 0)
        for (const action of ['unpause', 'sign-out', 'reset-password']) {
          const { status, stderr } = await account('sam', action, '--yes')
          assert.equal(status, 1)
          assert.doesNotMatch(stderr, /SQLState/)
        }
        assert.doesNotMatch((await account('list', '--paused')).stderr, /SQLState/)
        assert.equal((await account('--id', '1', 'delete', '--yes')).status, 0)
        assert.deepEqual(await namesById(), { 2: 'Sam Two' })
      },
    )
  })
}
