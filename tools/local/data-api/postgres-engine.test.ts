import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryOnce } from '../../../test/support/query-once.ts'
import { NO_SERVER, temporaryDatabase } from '../../../test/support/temporary-database.ts'
import { connectPostgres } from './postgres-engine.ts'

test('a lost connection is an error of its call or transaction alone, and never used again', {
  skip: NO_SERVER,
}, async (t) => {
  const engine = await connectPostgres(await temporaryDatabase(t))
  t.after(() => engine.close())
  const query = (sql: string) => queryOnce(engine, sql)
  await query('CREATE TABLE t (i int)')

  const session = await engine.session()
  await session.query('BEGIN')
  await session.query('INSERT INTO t VALUES (1)')
  const { rows } = await session.query('SELECT pg_backend_pid()')
  await query(`SELECT pg_terminate_backend(${rows[0]?.[0]}, 5000)`)

  // On a silently replaced connection this would be committed.
  await assert.rejects(session.query('INSERT INTO t VALUES (2)'))
  await assert.rejects(session.query('COMMIT'), { message: /connection .* was lost/ })
  await session.release()
  assert.deepEqual(await query('SELECT count(*) FROM t'), [['0']])

  await assert.rejects(query('SELECT pg_terminate_backend(pg_backend_pid())'))
  assert.deepEqual(await query('SELECT 1'), [['1']])
})
