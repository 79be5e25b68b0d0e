import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from './data-api-database.ts'
import { inLockedTransaction, UncertainCommit } from './locked-transaction.ts'

/** A database that keeps what it is asked for, and grants the lock at that attempt. */
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
    patience: {
      say: (line: string) => said.push(line),
      wait: async (milliseconds: number) => waits.push(milliseconds),
    },
  }
}

const fail = (message: string) => () => Promise.reject(new Error(message))

test('the work is done under the lock, in one transaction, and committed', async () => {
  const { port, patience, calls, said } = database()
  const result = await inLockedTransaction(port, patience, (execute) =>
    execute('INSERT', { a: 'b' }),
  )
  assert.deepEqual(result, [['a row']])
  const [lock, ...others] = calls
  assert.match(lock ?? '', /^SELECT pg_try_advisory_xact_lock\(\d+\) \| {2}\| the id$/)
  assert.deepEqual(others, ['INSERT | {"a":"b"} | the id', 'commit the id'])
  assert.deepEqual(said, [])
})

test('a lock that another has is asked for every half second, which is said once', async () => {
  const { port, patience, said, waits } = database({ lockedAt: 4 })
  await inLockedTransaction(port, patience, async () => {})
  assert.deepEqual(waits, [500, 500, 500])
  assert.deepEqual(said, ['Waiting for another process that migrates this database'])
})

test('after five minutes the lock is given up, and nothing is left open', async () => {
  const { port, patience, calls, waits } = database({ lockedAt: Number.POSITIVE_INFINITY })
  const work = async () => assert.fail('The lock was not had.')
  await assert.rejects(inLockedTransaction(port, patience, work), /for five minutes/)
  assert.equal(waits.length * 500, 300_000)
  assert.equal(calls.at(-1), 'rollback the id')
})

test('work that fails is rolled back, and its fault outlives that of the rollback', async () => {
  const { port, patience, calls } = database({ rollback: fail('no such transaction') })
  await assert.rejects(inLockedTransaction(port, patience, fail('the work')), /^Error: the work$/)
  assert.equal(calls.at(-1), 'rollback the id')
})

test('a COMMIT that fails is uncertain, says why, and is rolled back', async () => {
  for (const reason of [new Error('socket hang up'), 'socket hang up']) {
    const { port, patience, calls } = database({ commit: () => Promise.reject(reason) })
    await assert.rejects(
      inLockedTransaction(port, patience, async () => {}),
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
