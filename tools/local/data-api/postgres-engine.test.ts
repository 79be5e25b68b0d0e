import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryOnce } from '../../../test/support/query-once.ts'
import { NO_SERVER, temporaryDatabase } from '../../../test/support/temporary-database.ts'
import { connectPostgres } from './postgres-engine.ts'

test('a connection lost in a transaction is never used again', { skip: NO_SERVER }, async (t) => {
  const engine = await connectPostgres(await temporaryDatabase(t))
  t.after(() => engine.close())
  const query = (sql: string) => queryOnce(engine, sql)
  await query('CREATE TABLE t (i int)')

  const session = await engine.session()
  await session.query('BEGIN')
  await session.query('INSERT INTO t VALUES (1)')
  const { rows } = await session.query('SELECT pg_backend_pid()')
  await query(`SELECT pg_terminate_backend(${rows[0]?.[0]}, 5000)`)

  // Had it been replaced in silence, this would now be committed by itself.
  await assert.rejects(session.query('INSERT INTO t VALUES (2)'))
  await assert.rejects(session.query('COMMIT'), { message: /connection .* was lost/ })
  await session.release()
  assert.deepEqual(await query('SELECT count(*) FROM t'), [['0']])
})

test('a connection lost in the middle of a call is an error of that call alone', {
  skip: NO_SERVER,
}, async (t) => {
  const engine = await connectPostgres(await temporaryDatabase(t))
  t.after(() => engine.close())
  const query = (sql: string) => queryOnce(engine, sql)
  await assert.rejects(query('SELECT pg_terminate_backend(pg_backend_pid())'))
  assert.deepEqual(await query('SELECT 1'), [['1']])
})
