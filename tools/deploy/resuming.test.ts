import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryWhileResuming } from './resuming.ts'

const named = (name: string) => Object.assign(new Error(), { name })

/** Makes a call with these faults in turn, which then succeeds. */
async function retry(faults: unknown[]) {
  const said: string[] = []
  const waits: number[] = []
  const call = async () => {
    if (faults.length > 0) throw faults.shift()
    return 'read'
  }
  const [settled] = await Promise.allSettled([
    retryWhileResuming(call, {
      say: (line) => said.push(line),
      wait: async (milliseconds) => waits.push(milliseconds),
    }),
  ])
  return { settled, said, waits }
}

test('a call that succeeds is made once', async () => {
  const { settled, said, waits } = await retry([])
  assert.deepEqual(settled, { status: 'fulfilled', value: 'read' })
  assert.deepEqual([said, waits], [[], []])
})

test('a resuming database is called every five seconds, which is reported once', async () => {
  const { settled, said, waits } = await retry([
    named('DatabaseResumingException'),
    named('DatabaseUnavailableException'),
    named('StatementTimeoutException'),
  ])
  assert.equal(settled.status, 'fulfilled')
  assert.equal(said.length, 1)
  assert.deepEqual(waits, [5000, 5000, 5000])
})

test('after three minutes it rejects with the last fault', async () => {
  const { settled, waits } = await retry(Array(40).fill(named('DatabaseResumingException')))
  assert.equal(settled.status === 'rejected' && settled.reason.name, 'DatabaseResumingException')
  assert.equal(waits.length, 36)
})

test('any other fault is not retried', async () => {
  for (const fault of [named('AccessDeniedException'), { name: 'DatabaseResumingException' }]) {
    const { settled, waits } = await retry([fault])
    assert.equal(settled.status === 'rejected' && settled.reason, fault)
    assert.deepEqual(waits, [])
  }
})
