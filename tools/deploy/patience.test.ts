import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onceAwake, SILENT } from './patience.ts'

const named = (name: string) => Object.assign(new Error(), { name })

/** Reads with these outcomes in turn, and then succeeds. */
async function awaken(faults: unknown[]) {
  const said: string[] = []
  const waits: number[] = []
  const read = async () => {
    if (faults.length > 0) throw faults.shift()
    return 'read'
  }
  const [settled] = await Promise.allSettled([
    onceAwake(read, {
      say: (line) => said.push(line),
      wait: async (milliseconds) => waits.push(milliseconds),
    }),
  ])
  return { settled, said, waits }
}

test('a database that is awake is read at once', async () => {
  const { settled, said, waits } = await awaken([])
  assert.deepEqual(settled, { status: 'fulfilled', value: 'read' })
  assert.deepEqual([said, waits], [[], []])
})

test('one that is asleep is waited for in each of its words, which is said once', async () => {
  const { settled, said, waits } = await awaken([
    named('DatabaseResumingException'),
    named('DatabaseUnavailableException'),
    named('StatementTimeoutException'),
  ])
  assert.equal(settled.status, 'fulfilled')
  assert.deepEqual(said, ['Waiting for the database to wake up'])
  assert.deepEqual(waits, [5000, 5000, 5000])
})

test('after three minutes it is given up with the last fault', async () => {
  const { settled, waits } = await awaken(Array(40).fill(named('DatabaseResumingException')))
  assert.equal(settled.status === 'rejected' && settled.reason.name, 'DatabaseResumingException')
  assert.equal(waits.length, 36)
})

test('any other fault is not waited for, nor is what is no error', async () => {
  for (const fault of [named('AccessDeniedException'), { name: 'DatabaseResumingException' }]) {
    const { settled, waits } = await awaken([fault])
    assert.equal(settled.status === 'rejected' && settled.reason, fault)
    assert.deepEqual(waits, [])
  }
})

test('the silent one waits, and says nothing', async () => {
  assert.equal(SILENT.say('a line'), undefined)
  const waiting = SILENT.wait(1)
  assert.ok(waiting instanceof Promise)
  await waiting
})
