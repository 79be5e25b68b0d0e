import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BatchExecuteStatementCommand,
  BeginTransactionCommand,
  CommitTransactionCommand,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data'
import { ENGINES } from '../../../test/support/data-api.ts'

for (const { on, skip, start } of ENGINES) {
  test(`transactions, on ${on}`, { skip }, async (t) => {
    const { client, engine, execute, target } = await start(t)
    const { resourceArn, secretArn } = target
    const begun: string[] = []
    const begin = async () => {
      const { transactionId } = await client.send(new BeginTransactionCommand(target))
      assert.ok(transactionId)
      begun.push(transactionId)
      return { transactionId }
    }
    const commit = ({ transactionId }: { transactionId: string }) =>
      client.send(new CommitTransactionCommand({ resourceArn, secretArn, transactionId }))
    const rollback = ({ transactionId }: { transactionId: string }) =>
      client.send(new RollbackTransactionCommand({ resourceArn, secretArn, transactionId }))
    const count = async () => (await execute('SELECT count(*) FROM t')).records?.[0]?.[0]?.longValue
    const insert = 'INSERT INTO t VALUES (1)'

    await execute('CREATE TABLE t (i int)')
    t.beforeEach(() => execute('TRUNCATE t'))
    // One that a failed test has left open would hold up every other on PGlite.
    t.afterEach(() =>
      Promise.allSettled(begun.splice(0).map((transactionId) => rollback({ transactionId }))),
    )

    await t.test('what is committed stays', async () => {
      const transaction = await begin()
      await execute(insert, [], transaction)
      const parameterSets = [[], []]
      await client.send(
        new BatchExecuteStatementCommand({ ...target, ...transaction, sql: insert, parameterSets }),
      )
      assert.equal((await commit(transaction)).transactionStatus, 'Transaction Committed')
      assert.equal(await count(), 3)
    })

    await t.test('what is rolled back is gone', async () => {
      const transaction = await begin()
      await execute(insert, [], transaction)
      assert.equal((await rollback(transaction)).transactionStatus, 'Rollback Complete')
      assert.equal(await count(), 0)
    })

    await t.test('savepoints work inside', async () => {
      const transaction = await begin()
      for (const sql of [insert, 'SAVEPOINT a', insert, 'ROLLBACK TO a'])
        await execute(sql, [], transaction)
      await commit(transaction)
      assert.equal(await count(), 1)
    })

    await t.test('after an error nothing more works in it, not even a commit', async () => {
      const transaction = await begin()
      const fails = { name: 'DatabaseErrorException', message: /SQLState: 25P02$/ }
      await execute(insert, [], transaction)
      await assert.rejects(execute('SELECT 1 / 0', [], transaction), /SQLState: 22012$/)
      await assert.rejects(execute('SELECT 1', [], transaction), fails)
      await assert.rejects(commit(transaction), fails)
      assert.equal(await count(), 0)
    })

    await t.test('an id that is unknown, or of an ended transaction, is not found', async () => {
      const ended = await begin()
      await commit(ended)
      for (const transaction of [ended, { transactionId: 'unknown' }]) {
        for (const call of [() => execute('SELECT 1', [], transaction), commit, rollback]) {
          await assert.rejects(call(transaction), { name: 'TransactionNotFoundException' })
        }
      }
    })

    await t.test('of several calls at once in one transaction not all are served', async () => {
      const transaction = await begin()
      const calls = Array.from({ length: 5 }, () => execute('SELECT 1', [], transaction))
      const refusals = (await Promise.allSettled(calls)).flatMap((outcome) =>
        outcome.status === 'rejected' ? [String(outcome.reason)] : [],
      )
      const refusal = 'DatabaseErrorException: Transaction is still running a query'
      assert.deepEqual([...new Set(refusals)], [refusal])
      await commit(transaction)
    })

    await t.test('callers outside see what is committed, and on PGlite wait for it', async () => {
      const transaction = await begin()
      await execute(insert, [], transaction)
      // A server has a session for each caller: this one sees nothing yet.
      const seen = engine.description.startsWith('embedded') ? 1 : 0
      const outside = [count(), count()]
      if (seen === 0) await Promise.all(outside)
      await commit(transaction)
      assert.deepEqual(await Promise.all(outside), [seen, seen])
    })
  })
}
