import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from './data-api-database.ts'
import { inLockedTransaction, UncertainCommit } from './locked-transaction.ts'

/** A database that records its calls, and grants the lock at that attempt. */
function database({ lockedAt = 1, commit = async () => {}, rollback = async () => {} } = {}) {
  const calls: string[] = []
  const said: string[] = []
  const waits: number[] = []
  let attempts = 0
  return {
    calls,
    said,
    waits,
    port: {
      begin: async () => 'the id',
      async execute(
        sql: string,
        parameters?: Readonly<Record<string, string>>,
        transactionId?: string,
      ): Promise<Row[]> {
        calls.push([sql, JSON.stringify(parameters), transactionId].join(' | '))
        if (!sql.includes('pg_try_advisory_xact_lock')) return [['a row']]
        attempts += 1
        return [[attempts >= lockedAt]]
      },
      async commit(id: string) {
        calls.push(`commit ${id}`)
        await commit()
      },
      async rollback(id: string) {
        calls.push(`rollback ${id}`)
        await rollback()
      },
    },
    waiting: {
      say: (line: string) => said.push(line),
      wait: async (milliseconds: number) => waits.push(milliseconds),
    },
  }
}

const fail = (message: string) => () => Promise.reject(new Error(message))

test('the work runs under the lock, in one transaction, and is committed', async () => {
  const { port, waiting, calls, said } = database()
  const result = await inLockedTransaction(port, waiting, (execute) =>
    execute('INSERT', { a: 'b' }),
  )
  assert.deepEqual(result, [['a row']])
  const [lock, ...others] = calls
  assert.match(lock ?? '', /^SELECT pg_try_advisory_xact_lock\(\d+\) \| {2}\| the id$/)
  assert.deepEqual(others, ['INSERT | {"a":"b"} | the id', 'commit the id'])
  assert.deepEqual(said, [])
})

test('a lock that another process holds is tried every half second, which is reported once', async () => {
  const { port, waiting, said, waits } = database({ lockedAt: 4 })
  await inLockedTransaction(port, waiting, async () => {})
  assert.deepEqual(waits, [500, 500, 500])
  assert.deepEqual(said, ['Waiting for another process that migrates this database'])
})

test('after five minutes without the lock the transaction is rolled back', async () => {
  const { port, waiting, calls, waits } = database({ lockedAt: Number.POSITIVE_INFINITY })
  const work = async () => assert.fail('There was no lock.')
  await assert.rejects(inLockedTransaction(port, waiting, work), /for five minutes/)
  assert.equal(waits.length * 500, 300_000)
  assert.equal(calls.at(-1), 'rollback the id')
})

test('work that fails is rolled back, and its error is the one thrown', async () => {
  const { port, waiting, calls } = database({ rollback: fail('no such transaction') })
  await assert.rejects(inLockedTransaction(port, waiting, fail('the work')), /^Error: the work$/)
  assert.equal(calls.at(-1), 'rollback the id')
})

test('a COMMIT that fails is an UncertainCommit with the reason', async () => {
  for (const reason of [new Error('socket hang up'), 'socket hang up']) {
    const { port, waiting, calls } = database({ commit: () => Promise.reject(reason) })
    await assert.rejects(
      inLockedTransaction(port, waiting, async () => {}),
      (error: unknown) => {
        assert.ok(error instanceof UncertainCommit)
        assert.equal(error.name, 'UncertainCommit')
        assert.equal(error.cause, reason)
        assert.match(error.message, /\(socket hang up\).* Run it again/)
        return true
      },
    )
    assert.equal(calls.at(-1), 'rollback the id')
  }
})
