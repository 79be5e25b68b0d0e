import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { createTurnstile } from './turnstile.ts'

test('two places: the third waits until one leaves, and leaving twice frees one place', async () => {
  const enter = createTurnstile(2)
  const inside: number[] = []
  const arrive = async (number: number) => {
    const leave = await enter()
    inside.push(number)
    return leave
  }
  const [leave] = await Promise.all([arrive(1), arrive(2)])
  const third = arrive(3)
  const fourth = arrive(4)
  await turnOfTheLoop()
  assert.deepEqual(inside, [1, 2])

  leave()
  leave()
  const thirdLeaves = await third
  await turnOfTheLoop()
  assert.deepEqual(inside, [1, 2, 3])

  thirdLeaves()
  await fourth
  assert.deepEqual(inside, [1, 2, 3, 4])
})
