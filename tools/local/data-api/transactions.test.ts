import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import {
  BatchExecuteStatementCommand,
  BeginTransactionCommand,
  CommitTransactionCommand,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data'
import { ENGINES } from '../../../test/support/data-api.ts'
import { recordingEngine } from '../../../test/support/recording-engine.ts'
import { createTransactions } from './transactions.ts'

for (const { on, skip, start } of ENGINES) {
  test(`transactions, on ${on}`, { skip }, async (t) => {
    const { client, engine, execute, target } = await start(t)
    const { resourceArn, secretArn } = target
    const begun: { transactionId: string }[] = []
    const begin = async () => {
      const { transactionId = '' } = await client.send(new BeginTransactionCommand(target))
      begun.push({ transactionId })
      return { transactionId }
    }
    const commit = (transaction: { transactionId: string }) =>
      client.send(new CommitTransactionCommand({ resourceArn, secretArn, ...transaction }))
    const rollback = (transaction: { transactionId: string }) =>
      client.send(new RollbackTransactionCommand({ resourceArn, secretArn, ...transaction }))
    const count = async () => (await execute('SELECT count(*) FROM t')).records?.[0]?.[0]?.longValue
    const insert = 'INSERT INTO t VALUES (1)'

    await execute('CREATE TABLE t (i int)')
    t.beforeEach(() => execute('TRUNCATE t'))
    // One left open by a failed test would hold up every other on PGlite.
    t.afterEach(() => Promise.allSettled(begun.splice(0).map(rollback)))

    await t.test('what is committed stays, except what a savepoint undid', async () => {
      const transaction = await begin()
      for (const sql of [insert, 'SAVEPOINT a', insert, 'ROLLBACK TO a'])
        await execute(sql, [], transaction)
      const batch = { ...target, ...transaction, sql: insert, parameterSets: [[], []] }
      await client.send(new BatchExecuteStatementCommand(batch))
      assert.equal((await commit(transaction)).transactionStatus, 'Transaction Committed')
      assert.equal(await count(), 3)
    })

    await t.test('what is rolled back is gone', async () => {
      const transaction = await begin()
      await execute(insert, [], transaction)
      assert.equal((await rollback(transaction)).transactionStatus, 'Rollback Complete')
      assert.equal(await count(), 0)
      const withSchema = new BeginTransactionCommand({ ...target, schema: 'public' })
      await assert.rejects(client.send(withSchema), { name: 'ValidationException' })
    })

    await t.test('after an error every statement and the commit are rejected', async () => {
      const transaction = await begin()
      const fails = { name: 'DatabaseErrorException', message: /SQLState: 25P02$/ }
      await execute(insert, [], transaction)
      await assert.rejects(execute('SELECT 1 / 0', [], transaction), /SQLState: 22012$/)
      await assert.rejects(execute('SELECT 1', [], transaction), fails)
      await assert.rejects(commit(transaction), fails)
      assert.equal(await count(), 0)
    })

    await t.test('an id that is unknown, or of a closed transaction, is not found', async () => {
      const closed = await begin()
      await commit(closed)
      for (const transaction of [closed, { transactionId: 'unknown' }]) {
        for (const call of [() => execute('SELECT 1', [], transaction), commit, rollback]) {
          await assert.rejects(call(transaction), { name: 'TransactionNotFoundException' })
        }
      }
    })

    await t.test('concurrent calls in one transaction are not all served', async () => {
      const transaction = await begin()
      const calls = Array.from({ length: 5 }, () => execute('SELECT 1', [], transaction))
      const errors = (await Promise.allSettled(calls)).flatMap((outcome) =>
        outcome.status === 'rejected' ? [String(outcome.reason)] : [],
      )
      const error = 'DatabaseErrorException: Transaction is still running a query'
      assert.deepEqual([...new Set(errors)], [error])
      await commit(transaction)
    })

    await t.test(
      'other callers see only what is committed, and on PGlite wait for it',
      async () => {
        const transaction = await begin()
        await execute(insert, [], transaction)
        // A server has a session for each caller: this one sees nothing yet.
        const seen = engine.description.startsWith('embedded') ? 1 : 0
        const outside = [count(), count()]
        if (seen === 0) await Promise.all(outside)
        await commit(transaction)
        assert.deepEqual(await Promise.all(outside), [seen, seen])
      },
    )
  })
}

test('a transaction that no call has used for three minutes is rolled back', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { engine, queries } = recordingEngine()
  const { begin, use } = createTransactions(engine.session)
  const id = await begin('any')
  const select = () => use(id, (session) => session.query('SELECT 1'))

  t.mock.timers.tick(180_000 - 1)
  await select()
  t.mock.timers.tick(180_000 - 1)
  assert.deepEqual(queries, ['BEGIN', 'SELECT 1'])

  t.mock.timers.tick(1)
  while (queries.length < 3) await turnOfTheLoop()
  assert.equal(queries[2], 'ROLLBACK')
  await assert.rejects(select(), { name: 'TransactionNotFoundException' })
})
