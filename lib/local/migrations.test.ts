import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { onEachEngine } from '../testing/data-api.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { migrate } from './migrations.ts'

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

onEachEngine('migrations', async (t, { engine }) => {
  async function script(sql: string) {
    const session = await engine.session()
    await session.script(sql).finally(session.release)
  }
  async function tables() {
    const session = await engine.session()
    const sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    return (await session.query(sql).finally(session.release)).rows.flat()
  }
  t.afterEach(() => script('DROP SCHEMA public CASCADE; CREATE SCHEMA public'))

  await t.test("the service's own are applied once", async () => {
    assert.equal((await migrate(engine))[0], '001-users.sql')
    assert.deepEqual(await tables(), ['latchkey_migrations', 'users'])
    assert.deepEqual(await migrate(engine), [])
  })

  await t.test(
    'files are applied by name, what is no .sql is not, and later ones follow',
    async (t) => {
      const { folder, write } = folderWith(t, { ...A_AND_B, 'README.md': 'not SQL' })
      assert.deepEqual(await migrate(engine, folder), ['001-a.sql', '002-b.sql'])
      write('003-c.sql', 'CREATE TABLE c ()')
      assert.deepEqual(await migrate(engine, folder), ['003-c.sql'])
      assert.deepEqual(await tables(), ['a', 'b', 'c', 'latchkey_migrations'])
    },
  )

  await t.test(
    'a file changed after it was applied is refused by name, and nothing is applied',
    async (t) => {
      const { folder, write } = folderWith(t, { '001-a.sql': A_AND_B['001-a.sql'] })
      await migrate(engine, folder)
      write('000-new.sql', 'CREATE TABLE new ()')
      write('001-a.sql', 'CREATE TABLE a (i bigint)')
      await assert.rejects(migrate(engine, folder), /The migration 001-a.sql was changed/)
      assert.deepEqual(await tables(), ['a', 'latchkey_migrations'])
    },
  )

  await t.test('one that fails leaves nothing behind, and is named', async (t) => {
    const { folder, write } = folderWith(t, {
      ...A_AND_B,
      '003-c.sql': 'CREATE TABLE c (); nonsense',
    })
    const refusal = {
      message: 'The migration 003-c.sql failed: syntax error at or near "nonsense"',
    }
    await assert.rejects(migrate(engine, folder), refusal)
    assert.deepEqual(await tables(), [])
    write('003-c.sql', 'CREATE TABLE c ()')
    assert.equal((await migrate(engine, folder)).length, 3)
  })

  await t.test('of several that migrate at once one applies them', async (t) => {
    const { folder } = folderWith(t, A_AND_B)
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(engine, folder)))
    assert.deepEqual(applied.flat(), ['001-a.sql', '002-b.sql'])
  })
})
