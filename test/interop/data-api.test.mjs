import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { suite, test } from 'node:test'
import { RDSData } from '@aws-sdk/client-rds-data'
import maintenanceMessage from 'aws-sdk/lib/maintenance_mode_message.js'
import dataApiClient from 'data-api-client'
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/aws-data-api/pg'
import { migrate } from 'drizzle-orm/aws-data-api/pg/migrator'
import * as pg from 'drizzle-orm/pg-core'
import { Kysely } from 'kysely'
import { DataApiDialect } from 'kysely-data-api'
import { ENGINES } from '../support/data-api.ts'

// The clients that people use before the RDS Data API are used before the local one. None of them binds an
// array parameter, which AWS rejects: drizzle sends an array as a string, and a cast in the SQL.

// Version 2 of the SDK, which data-api-client uses, would warn in each run that it is out of maintenance.
maintenanceMessage.suppress = true

const ID = '0190f3a4-8c1e-7d2b-9a55-1b2c3d4e5f60'
const MADE = '2026-01-02 03:04:05.678'
const PROFILE = { name: 'Zoë "李"', tags: ['a', null], nested: { n: 1.5 } }

const people = pg.pgTable('people', {
  id: pg.serial().primaryKey(),
  key: pg.uuid().notNull().unique(),
  name: pg.text().notNull(),
  profile: pg.jsonb(),
  made: pg.timestamp({ mode: 'date' }),
  changed: pg.timestamp({ mode: 'string', precision: 6 }),
  seen: pg.timestamp({ mode: 'string', withTimezone: true }),
  born: pg.date(),
  wakes: pg.time(),
  height: pg.doublePrecision(),
  balance: pg.numeric({ precision: 20, scale: 4 }),
  visits: pg.bigint({ mode: 'number' }),
  admin: pg.boolean(),
  words: pg.text().array(),
  numbers: pg.integer().array(),
})

/** Creates the table as drizzle-kit would. */
const CREATE_PEOPLE = `CREATE TABLE people (${pg.getTableConfig(people).columns.map((column) => {
  const constraint = column.primary ? 'PRIMARY KEY' : column.isUnique ? 'UNIQUE' : ''
  return `${column.name} ${column.getSQLType()} ${constraint} ${column.notNull ? 'NOT NULL' : ''}`
})})`

const ADA = {
  key: ID,
  name: "Ada's :name ' $1",
  profile: PROFILE,
  made: new Date(`${MADE}Z`),
  changed: '2026-01-02 03:04:05.678901',
  seen: '2026-01-02 03:04:05',
  born: '1815-12-10',
  wakes: '07:08:09',
  height: 1.63,
  balance: '1234567890123456.7890',
  visits: 9007199254740991,
  admin: true,
  words: ['plain', 'with "quotes", commas', 'back\\slash', 'NULL', ''],
  numbers: [-1, 0, 2147483647],
}

const NOBODY = Object.fromEntries(Object.keys(ADA).map((column) => [column, null]))

/** Settings of a client: those for AWS, with the local endpoint. */
const connection = ({ url, target }) => ({
  ...target,
  endpoint: url,
  region: 'eu-central-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
})

/** Writes a folder of migrations as drizzle-kit does: a journal, and statements separated by a marker. */
function migrationsFolder(t, ...migrations) {
  const folder = mkdtempSync(`${tmpdir()}/latchkey-drizzle-`)
  t.after(() => rmSync(folder, { recursive: true }))
  const entries = migrations.map((statements, idx) => {
    const tag = `000${idx}_migration`
    writeFileSync(`${folder}/${tag}.sql`, statements.join('\n--> statement-breakpoint\n'))
    return { idx, version: '7', when: 1_767_000_000_000 + idx, tag, breakpoints: true }
  })
  mkdirSync(`${folder}/meta`)
  const journal = { version: '7', dialect: 'postgresql', entries }
  writeFileSync(`${folder}/meta/_journal.json`, JSON.stringify(journal))
  return folder
}

for (const { on, skip, start } of ENGINES) {
  suite(`on ${on}`, { skip }, () => {
    test('drizzle-orm migrates, inserts, selects, updates and deletes', async (t) => {
      const api = await start(t)
      const db = drizzle({ connection: connection(api) })
      t.after(() => db.$client.destroy())

      await t.test('migrations, each once', async (t) => {
        const index = 'CREATE INDEX people_name ON people (name); -- one statement'
        const migrationsFolderOf = (...more) => ({
          migrationsFolder: migrationsFolder(t, [CREATE_PEOPLE, index], ...more),
        })
        await migrate(db, migrationsFolderOf())
        await migrate(db, migrationsFolderOf())
        await migrate(db, migrationsFolderOf(["COMMENT ON TABLE people IS 'second'"]))
        const { rows } = await db.execute(
          sql`SELECT count(*) AS done, obj_description('people'::regclass) AS comment
            FROM drizzle.__drizzle_migrations`,
        )
        assert.deepEqual(rows, [{ done: 2, comment: 'second' }])
      })

      await t.test('every type, as a value and as null', async () => {
        const [inserted] = await db.insert(people).values(ADA).returning()
        assert.deepEqual(inserted, { id: 1, ...ADA })
        assert.deepEqual(await db.select().from(people).where(eq(people.key, ID)), [inserted])
        const grace = { ...NOBODY, key: ID.replace('0190', '0191'), name: 'Grace' }
        assert.deepEqual(await db.insert(people).values(grace).returning(), [{ id: 2, ...grace }])
      })

      await t.test('a typed parameter in a condition', async () => {
        const found = await db
          .select({ name: people.name, day: sql`to_char(${people.made}, 'DD.MM.YYYY')` })
          .from(people)
          .where(eq(people.made, ADA.made))
        assert.deepEqual(found, [{ name: ADA.name, day: '02.01.2026' }])
      })

      await t.test('an update, a conflict and a deletion', async () => {
        const changed = await db
          .update(people)
          .set({ words: ['new'], numbers: [] })
          .where(eq(people.id, 1))
          .returning({ words: people.words, numbers: people.numbers })
        assert.deepEqual(changed, [{ words: ['new'], numbers: [] }])
        const upserted = await db
          .insert(people)
          .values({ key: ID, name: 'other' })
          .onConflictDoUpdate({ target: people.key, set: { name: 'Ada' } })
          .returning({ id: people.id, name: people.name })
        assert.deepEqual(upserted, [{ id: 1, name: 'Ada' }])
        assert.equal((await db.delete(people).where(eq(people.id, 2))).numberOfRecordsUpdated, 1)
      })

      await t.test('transactions, one inside the other', async () => {
        await db.transaction(async (outer) => {
          await outer.update(people).set({ name: 'outer' })
          const inner = outer.transaction(async (savepoint) => {
            await savepoint.update(people).set({ name: 'inner' })
            throw new Error('back to the savepoint')
          })
          await assert.rejects(inner, /back to the savepoint/)
        })
        assert.deepEqual(await db.select({ name: people.name }).from(people), [{ name: 'outer' }])
        const failed = db.transaction((only) => only.insert(people).values({ key: ID, name: '' }))
        await assert.rejects(failed, ({ cause }) => {
          assert.match(cause.message, /^ERROR: duplicate key .*SQLState: 23505$/)
          return true
        })
        assert.equal((await db.select().from(people)).length, 1)
      })
    })

    test('kysely-data-api inserts, selects and rolls back', async (t) => {
      const api = await start(t)
      await api.query(CREATE_PEOPLE)
      const client = new RDSData(connection(api))
      t.after(() => client.destroy())
      const db = new Kysely({
        dialect: new DataApiDialect({ mode: 'postgres', driver: { client, ...api.target } }),
      })
      const hinted = (typeHint, stringValue) => ({ typeHint, value: { stringValue } })

      await t.test('an insert with a hint for each type that needs one', async () => {
        const { made, born, changed, seen, ...others } = await db
          .insertInto('people')
          .values({
            key: hinted('UUID', ID),
            name: ADA.name,
            profile: hinted('JSON', JSON.stringify(PROFILE)),
            made: ADA.made,
            born: hinted('DATE', ADA.born),
            wakes: hinted('TIME', ADA.wakes),
            balance: hinted('DECIMAL', ADA.balance),
            height: ADA.height,
            visits: 12,
            admin: false,
            seen: null,
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        // A Date of `made` would be one of this machine's time zone: the client makes it so, on AWS too.
        assert.equal(made.getTime(), new Date(MADE).getTime())
        assert.equal(born.toISOString(), '1815-12-10T00:00:00.000Z')
        assert.deepEqual([changed, seen], [null, null])
        assert.deepEqual(others, {
          id: 1,
          key: ID,
          name: ADA.name,
          profile: PROFILE,
          wakes: '07:08:09',
          height: 1.63,
          balance: ADA.balance,
          visits: 12,
          admin: false,
          words: null,
          numbers: null,
        })
      })

      await t.test('arrays, in a row that a condition selects', async () => {
        await api.query("UPDATE people SET words = '{a,NULL}', numbers = '{1,2}'")
        const arrays = db.selectFrom('people').select(['words', 'numbers'])
        const row = await arrays.where('made', '=', ADA.made).executeTakeFirstOrThrow()
        assert.deepEqual(row, { words: ['a', null], numbers: [1, 2] })
      })

      await t.test('how many rows an update has changed', async () => {
        // The client counts where the response has no columnMetadata, which it always asks for.
        const { numUpdatedRows } = await db
          .updateTable('people')
          .set({ height: 1.64 })
          .executeTakeFirstOrThrow()
        assert.equal(numUpdatedRows, 1n)
      })

      await t.test('a transaction that fails', async () => {
        const failed = db.transaction().execute(async (transaction) => {
          await transaction.updateTable('people').set({ name: 'lost' }).execute()
          throw new Error('roll back')
        })
        await assert.rejects(failed, /roll back/)
        const { name } = await db.selectFrom('people').select('name').executeTakeFirstOrThrow()
        assert.equal(name, ADA.name)
      })
    })

    test('data-api-client inserts, selects, and runs transactions and batches', async (t) => {
      const api = await start(t)
      await api.query(CREATE_PEOPLE)
      const { endpoint, region, credentials } = connection(api)
      const client = dataApiClient({
        ...api.target,
        engine: 'pg',
        options: { endpoint, region, credentials, maxRetries: 0 },
      })
      const insert = 'INSERT INTO people (key, name) VALUES (:key, :name)'
      const key = (value) => ({ name: 'key', value, cast: 'uuid' })
      const names = async () =>
        (await client.query('SELECT name FROM people ORDER BY id')).records.map(({ name }) => name)

      await t.test('an insert with casts, and its columns', async () => {
        const { records } = await client.query(
          `INSERT INTO people (key, name, profile, made, height, visits, admin)
            VALUES (:key, :name, :profile, :made, :height, :visits, :admin) RETURNING *`,
          [
            key(ID),
            { name: 'profile', value: JSON.stringify(PROFILE), cast: 'jsonb' },
            { name: ADA.name, made: ADA.made, height: 1.63, visits: 12, admin: true },
          ],
        )
        const [{ profile, ...row }] = records
        assert.deepEqual(JSON.parse(profile), PROFILE)
        const { key: _key, name, made, height } = ADA
        const given = { key: ID, name, made, height, visits: 12, admin: true }
        const { profile: _profile, ...nulls } = NOBODY
        assert.deepEqual(row, { ...nulls, ...given, id: 1 })
      })

      await t.test('a batch', async () => {
        const { updateResults } = await client.query(insert, [
          [key(ID.replace('0190', '0191')), { name: 'second' }],
          [key(ID.replace('0190', '0192')), { name: 'third' }],
        ])
        assert.equal(updateResults.length, 2)
        assert.deepEqual(await names(), [ADA.name, 'second', 'third'])
      })

      await t.test('a transaction that commits, and one that fails', async () => {
        const [updated, deleted] = await client
          .transaction()
          .query('UPDATE people SET name = :name WHERE id = :id', { id: 2, name: 'changed' })
          .query(({ numberOfRecordsUpdated }) => [
            'DELETE FROM people WHERE id = :id',
            { id: 2 + numberOfRecordsUpdated },
          ])
          .commit()
        assert.deepEqual([updated.numberOfRecordsUpdated, deleted.numberOfRecordsUpdated], [1, 1])
        assert.deepEqual(await names(), [ADA.name, 'changed'])

        let rolledBack = ''
        const failed = client
          .transaction()
          .query('DELETE FROM people')
          .query(insert, [key('no uuid'), { name: 'never' }])
          .rollback(({ message }) => {
            rolledBack = message
          })
          .commit()
        await assert.rejects(failed, /invalid input syntax for type uuid/)
        assert.match(rolledBack, /SQLState: 22P02/)
        assert.deepEqual(await names(), [ADA.name, 'changed'])
      })
    })
  })
}
