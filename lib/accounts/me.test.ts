import assert from 'node:assert/strict'
import { test } from 'node:test'
import { me } from './me.ts'

const findUser = async (id: number) =>
  id === 7 ? { id, username: 'Gary', passwordVersion: 2 } : undefined

test('me is the id and the name of the row', async () => {
  assert.deepEqual(await me({ userId: 7, passwordVersion: 2 }, { findUser }), {
    ok: true,
    code: 'identified',
    userId: 7,
    body: { id: 7, username: 'Gary' },
  })
})

test('a token of nobody, or of another version of the password, is invalid', async () => {
  for (const [userId, passwordVersion] of [
    [8, 2],
    [7, 0],
    [7, 1],
    [7, 3],
  ] as const) {
    const result = await me({ userId, passwordVersion }, { findUser })
    assert.deepEqual(result, { ok: false, reason: 'token_invalid' })
  }
})
