import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldUsername, usernameRejection } from '../../lib/accounts/usernames.ts'
import { ENGINES } from '../../test/support/data-api.ts'
import { migrationDatabase } from '../../test/support/migration-database.ts'
import { isPreviousMigration, previousRelease } from '../../test/support/previous-release.ts'
import { queryOnce } from '../../test/support/query-once.ts'
import { userStore } from '../../test/support/user-store.ts'
import { namesIn } from '../../test/support/yaml.ts'
import { applyMigrations } from './migrations.ts'
import { migrate } from './schema.ts'

/** The statements of release 0.2.0, which run while this release is being deployed. */
const PREVIOUS_INSERT = `
INSERT INTO users (username, password, idempotency_key_sha256)
VALUES (:username, :password, :idempotencyKey)
ON CONFLICT (lower(username)) DO UPDATE SET username = users.username
WHERE users.password = EXCLUDED.password
RETURNING id, username`

const PREVIOUS_SELECT = `
SELECT id, username, password FROM repeatable_sign_ups
WHERE lower(username) = lower(:username) AND username = :username
AND idempotency_key_sha256 = :idempotencyKey`

/** A name for each rule of the fold. */
const FOLDED =
  'gary,Gary Two,a  b,Straße,ſam,ﬁn,Ё,Σίσυφος,山田\u3000太郎,\u3164,ﷺ,İlker,Ji\u0307'.split(',')
/** More than a page of names. */
const NAMES = [...FOLDED, ...Array.from({ length: 600 }, (_, index) => `Нина ${index + 1}`)]

const ALLOWED_NAMES = allowedNames()

for (const { on, skip, start } of ENGINES) {
  test(`the schema, on ${on}`, { skip }, async (t) => {
    const { engine, query, url, execute, client, target } = await start(t)
    const database = migrationDatabase(t, url)
    const users = userStore(client, target)
    const signUp = (username: string) =>
      users.insertUser({
        username,
        usernameKey: foldUsername(username),
        passwordHash: 'a hash',
        idempotencyKeySha256: undefined,
      })
    const idFrom = async (sql: string, values: Readonly<Record<string, string>>) => {
      const entries = Object.entries(values)
      const named = entries.map(([name, stringValue]) => ({ name, value: { stringValue } }))
      return (await execute(sql, named)).records?.[0]?.[0]?.longValue
    }
    const previousSignUp = (username: string, idempotencyKey = 'the digest') =>
      idFrom(PREVIOUS_INSERT, { username, password: `hash of ${username}`, idempotencyKey })
    const previousReplay = (username: string, idempotencyKey: string) =>
      idFrom(PREVIOUS_SELECT, { username, idempotencyKey })
    const folder = previousRelease(t)
    t.beforeEach(async () => {
      await applyMigrations(database, { folder })
    })
    t.afterEach(async () => {
      await query('DROP SCHEMA public CASCADE')
      await query('CREATE SCHEMA public')
    })

    await t.test(
      'an upgrade fills the key of every name once, also for ids past four bytes',
      async () => {
        for (const name of FOLDED) await previousSignUp(name)
        await query(`INSERT INTO users (username, password)
        SELECT 'Нина ' || i, 'a hash' FROM generate_series(1, 600) AS i`)
        const lines: string[] = []
        const say = (line: string) => lines.push(line)
        const later = namesIn('migrations').filter((name) => !isPreviousMigration(name))
        assert.deepEqual(await migrate(database, { say }), later)
        const keys = await query('SELECT username, username_key FROM users ORDER BY id')
        assert.deepEqual(
          keys,
          NAMES.map((name) => [name, foldUsername(name)]),
        )
        assert.match(lines.join(), /filled: 610/)
        const versions = () => query('SELECT xmin FROM users ORDER BY id')
        const before = await versions()
        assert.deepEqual(await migrate(database, { say: assert.fail }), [])
        assert.deepEqual(await versions(), before)

        await query("SELECT setval('users_id_seq', 2147483647)")
        assert.deepEqual(await signUp('late'), { id: 2 ** 31, username: 'late' })
      },
    )

    await t.test('it renews the keys that keep the dot above i, once', async () => {
      await migrate(database)
      await query(`INSERT INTO users (username, username_key, password) VALUES ('İlker', 'i\u0307lker', 'a'),
        ('Ị\u0307', 'ị\u0307', 'a'), ('J\u0307', 'j\u0307', 'a'), ('İpek', 'i\u0307pek', 'a')`)
      // Another process renames a user who was read.
      const execute: typeof database.execute = async (sql, ...rest) => {
        if (sql.startsWith('UPDATE users SET username_key')) {
          await query("UPDATE users SET username = 'p', username_key = 'p' WHERE username = 'İpek'")
        }
        return database.execute(sql, ...rest)
      }
      const lines: string[] = []
      await migrate({ ...database, execute }, { say: (line) => lines.push(line) })
      assert.match(lines.join(), /filled: 2$/)
      const keys = await query('SELECT username_key FROM users ORDER BY id')
      assert.deepEqual(keys.flat(), ['ilker', 'ị', 'j\u0307', 'p'])
      await migrate(database, { say: assert.fail })
    })

    await t.test("a key that would be another user's is reported, and no key changes", async () => {
      await migrate(database)
      const rows = `('i\u0307da', 'i\u0307da', 'a'), ('Ida', 'ida', 'a'), ('İlker', 'i\u0307lker', 'a')`
      const ids = await query(
        `INSERT INTO users (username, username_key, password) VALUES ${rows} RETURNING id`,
      )
      const message = new RegExp(`: ${ids[0]} and ${ids[1]}\\.`)
      await assert.rejects(migrate(database), { message })
      const keys = await query('SELECT username_key FROM users ORDER BY id')
      assert.deepEqual(keys.flat(), ['i\u0307da', 'ida', 'i\u0307lker'])
    })

    await t.test('names that are one in the index on lower(username) have one key', async () => {
      // It follows from what is tested: name and lower(name) have one key. lower('İ') depends on the collation.
      const collations = await query(`SELECT collname FROM pg_collation
        WHERE collname IN ('default', 'pg_unicode_fast', 'en-US-x-icu')`)
      const value = ALLOWED_NAMES.join('\n')
      for (const [collation] of collations) {
        const lower = await queryOnce(
          engine,
          `SELECT lower(name COLLATE "${collation}")
          FROM unnest(string_to_array($1, chr(10))) WITH ORDINALITY AS of (name, place) ORDER BY place`,
          [{ typeOid: 25, value }],
        )
        const others = ALLOWED_NAMES.filter((name, index) => {
          const lowered = String(lower[index])
          return lowered !== name && foldUsername(lowered) !== foldUsername(name)
        })
        assert.deepEqual(others, [], String(collation))
      }
    })

    await t.test('digests older than a day are cleared, those of the last day stay', async () => {
      for (const name of ['old', 'new']) await previousSignUp(name, `digest of ${name}`)
      // More than a page of digests, and a user without one.
      await query(`INSERT INTO users (username, password, idempotency_key_sha256)
        SELECT 'user ' || i, 'a hash', nullif(i, 0) FROM generate_series(0, 2001) AS i`)
      await query(
        `UPDATE users SET created_at = now() - interval '24 hours' WHERE username <> 'new'`,
      )
      const lines: string[] = []
      await migrate(database, { say: (line) => lines.push(line) })
      assert.match(lines.join(), /cleared: 2002$/)
      const digests = 'SELECT username FROM users WHERE idempotency_key_sha256 IS NOT NULL'
      assert.deepEqual(await query(digests), [['new']])
      assert.ok(await previousReplay('new', 'digest of new'))
      await migrate(database, { say: assert.fail })
    })

    await t.test('colliding names stop it before anything changes', async () => {
      const names = ['sam', 'ſam', 'Straße', 'STRASSE', 'ς', 'Σ', 'a b', 'a  b', 'alone', 'Ωne']
      const ids: unknown[] = []
      for (const name of names) ids.push(await previousSignUp(name))
      await assert.rejects(migrate(database), ({ message }: Error) => {
        assert.ok(message.includes(`${ids[1]} and ${ids[0]}`), message)
        assert.equal(message.match(/\d and \d/g)?.length, 4)
        assert.doesNotMatch(message, /sam|Stra/i)
        return true
      })
      // The oldest of each group comes first.
      await query("UPDATE users SET created_at = '2026-01-02 03:04:05+00' WHERE username = 'ſam'")
      const lines: string[] = []
      const say = (line: string) => lines.push(line)
      await assert.rejects(migrate(database, { dryRun: true, say }))
      const listed = lines.flatMap((line) => /^(\d+) "(.*?)", .*20/.exec(line)?.slice(1, 3) ?? [])
      const inOrder = [1, 0, 2, 3, 4, 5, 6, 7]
      assert.deepEqual(
        listed,
        inOrder.flatMap((index) => [String(ids[index]), names[index]]),
      )
      assert.match(lines.join('\n'), /ſam".*2026-01-02/)
      // The column of the keys does not exist.
      await assert.rejects(query('SELECT username_key FROM users'), { code: '42703' })
    })

    await t.test('it renames all but the oldest of each group, before there are keys', async () => {
      const long = 'ſ'.repeat(50)
      const names = [
        'sam',
        'ſam',
        's\ufe0fam',
        '\ue000',
        '\ue000\ufe0f',
        long,
        `s${'ſ'.repeat(49)}`,
      ]
      const insert = (id: number, name: string) =>
        query(`INSERT INTO users (id, username, password) VALUES (${id}, '${name}', 'a')`)
      for (const [index, name] of names.entries()) await insert(index + 1, name)
      // These names are taken: by a name that has no other key, and by one whose key SQL cannot find.
      await insert(11, 'SAM-1')
      await insert(12, 'ſam-3')
      await query("UPDATE users SET created_at = '2026-01-02' WHERE id IN (2, 7)")
      const stored = () => query('SELECT id, username FROM users ORDER BY id')
      const before = await stored()
      const planned: string[] = []
      const say = (line: string) => planned.push(line)
      await migrate(database, { dryRun: true, renameCollisions: true, say })
      assert.deepEqual(await stored(), before)

      // One statement that changes nothing undoes all before it.
      let updates = 0
      const execute: typeof database.execute = (sql, parameters, id) => {
        const isLast = sql.includes(':formerName') && ++updates === 4
        return database.execute(sql, isLast ? { ...parameters, formerName: 'x' } : parameters, id)
      }
      await assert.rejects(migrate({ ...database, execute }, { renameCollisions: true }))
      assert.equal(updates, 4)
      assert.deepEqual(await stored(), before)

      const lines: string[] = []
      await migrate(database, { renameCollisions: true, say: (line) => lines.push(line) })
      const renamed = ['sam-1-2', 'ſam', 's\ufe0fam-3-2', '\ue000', 'user-5', `${'ſ'.repeat(48)}-6`]
      const expected = [...renamed, names[6], 'SAM-1', 'ſam-3']
      const after = (await stored()).map(([, name]) => name)
      assert.deepEqual(after, expected)
      for (const [index, name] of after.slice(0, names.length).entries()) {
        if (name === names[index]) continue
        const change = new RegExp(`${index + 1}: "${names[index]}" to "${name}"$`)
        assert.equal(lines.filter((line) => change.test(line)).length, 1)
        assert.equal(planned.filter((line) => change.test(line)).length, 1)
        assert.equal(usernameRejection(String(name)), undefined)
      }
      const keys = await query('SELECT username_key FROM users ORDER BY id')
      assert.deepEqual(
        keys.flat(),
        after.map((name) => foldUsername(String(name))),
      )
      assert.deepEqual(await migrate(database, { renameCollisions: true, say: assert.fail }), [])
    })

    await t.test(
      'it renames with keys as well, and keeps the version of the password',
      async () => {
        await migrate(database)
        const ids =
          await query(`INSERT INTO users (username, username_key, password, password_version)
        VALUES ('i\u0307da', 'i\u0307da', 'a', 1), ('Ida', 'ida', 'b', 2), ('ſam', 'sam', 'c', 3), ('ＳAM', NULL, 'd', 4)
        RETURNING id`)
        const lines: string[] = []
        const say = (line: string) => lines.push(line)
        await assert.rejects(migrate(database, { dryRun: true, say }))
        assert.match(lines.join('\n'), new RegExp(`^${ids[3]} "ＳAM", .*20.* 4$`, 'm'))
        await migrate(database, { renameCollisions: true })
        const rows = await query(
          'SELECT username, username_key, password_version FROM users ORDER BY id',
        )
        const [ida, sam] = [`Ida-${ids[1]}`, `ＳAM-${ids[3]}`]
        assert.deepEqual(rows, [
          ['i\u0307da', 'ida', '1'],
          [ida, foldUsername(ida), '2'],
          ['ſam', 'sam', '3'],
          [sam, foldUsername(sam), '4'],
        ])
        assert.deepEqual(await migrate(database, { renameCollisions: true, say: assert.fail }), [])
      },
    )

    await t.test('the previous release runs on the new schema, beside this one', async () => {
      await migrate(database)
      const id = await previousSignUp('Beside', 'its digest')
      assert.ok(id !== undefined)
      assert.equal(await previousSignUp('Beside', 'its digest'), id)
      assert.equal(await previousReplay('Beside', 'its digest'), id)
      assert.equal(await previousReplay('Beside', 'another digest'), undefined)
      // A name stored by either release is taken for the other.
      assert.equal(await signUp('bESIDE'), undefined)
      assert.deepEqual((await signUp('Newer'))?.username, 'Newer')
      assert.equal(await previousSignUp('nEWER'), undefined)
      const beside = { username: 'beside', usernameKey: 'beside' }
      assert.equal((await users.findAccount(beside))?.id, id)
      await migrate(database)
      assert.equal((await users.findAccount(beside))?.id, id)

      // The view leaves out digests older than a day.
      await query("UPDATE users SET created_at = now() - interval '30 days'")
      const leak =
        "SELECT 1 FROM repeatable_sign_ups WHERE to_timestamp(idempotency_key_sha256,'Month') IS NULL"
      assert.equal((await execute(leak)).records?.length, 2)
      assert.equal(await previousReplay('Beside', 'its digest'), undefined)
    })

    await t.test(
      'a colliding name that the previous release stored meanwhile is reported',
      async () => {
        await migrate(database)
        const { id } = (await signUp('sam')) ?? {}
        const later = await previousSignUp('ſam')
        const message = new RegExp(`: ${later} and ${id}\\.`)
        await assert.rejects(migrate(database), { message })
        assert.equal(await previousReplay('sam', 'the digest'), undefined)
      },
    )
  })
}

/** Every allowed name of one code point, and those of `İ` with each mark or invisible character, and one more dot. */
function allowedNames(): readonly string[] {
  const names: string[] = []
  for (let point = 0; point <= 0x10ffff; point += 1) {
    const character = String.fromCodePoint(point)
    names.push(character)
    if (/[\p{Mark}\p{Default_Ignorable_Code_Point}]/u.test(character)) {
      names.push(`İ${character}`, `İ${character}\u0307`)
    }
  }
  return names.filter(
    (name) =>
      name.isWellFormed() &&
      name === name.normalize('NFC') &&
      usernameRejection(name) === undefined,
  )
}
