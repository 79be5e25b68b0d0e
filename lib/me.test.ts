import assert from 'node:assert/strict'
import { test } from 'node:test'
import { me } from './me.ts'

test('the user is the row with the id, as stored now', async () => {
  const ids: number[] = []
  const user = { id: 7, username: 'gary as stored' }
  const findUser = async (id: number) => {
    ids.push(id)
    return user
  }
  const result = await me(7, { findUser })
  assert.deepEqual(result, { ok: true, code: 'identified', userId: 7, body: user })
  assert.deepEqual(ids, [7])
})

test('without a row the token is invalid', async () => {
  const result = await me(7, { findUser: async () => undefined })
  assert.deepEqual(result, { ok: false, reason: 'token_invalid' })
})

test('a fault is thrown unchanged', async () => {
  const fault = new Error('fault')
  await assert.rejects(me(7, { findUser: () => Promise.reject(fault) }), (error) => error === fault)
})
