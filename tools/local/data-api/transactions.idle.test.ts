import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { recordingEngine } from '../../../test/support/recording-engine.ts'
import { createTransactions } from './transactions.ts'

const THREE_MINUTES = 180_000

test('a transaction that no call has used for three minutes is rolled back', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { engine, queries } = recordingEngine()
  const { begin, use } = createTransactions(engine.session)
  const id = await begin('any')

  t.mock.timers.tick(THREE_MINUTES - 1)
  await use(id, (session) => session.query('SELECT 1'))
  t.mock.timers.tick(THREE_MINUTES - 1)
  assert.deepEqual(queries, ['BEGIN', 'SELECT 1'])

  t.mock.timers.tick(1)
  while (queries.length < 3) await turnOfTheLoop()
  assert.equal(queries[2], 'ROLLBACK')
  const notFound = { name: 'TransactionNotFoundException' }
  await assert.rejects(
    use(id, (session) => session.query('SELECT 1')),
    notFound,
  )
})
