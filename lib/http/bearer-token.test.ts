import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBearerToken } from './bearer-token.ts'

test('a bearer token is read verbatim, with the scheme in any letter case', () => {
  for (const [authorization, token] of [
    ['Bearer a.b.c', 'a.b.c'],
    ['bEARER   a.b.c', 'a.b.c'],
    ['Bearer', ''],
    ['Bearer ', ''],
    ['Bearer a.b.c,Bearer d.e.f', 'a.b.c,Bearer d.e.f'],
    ['Bearer a.b.c \n', 'a.b.c \n'],
  ]) {
    assert.deepEqual(readBearerToken({ authorization }), { ok: true, token }, authorization)
  }
})

test('without a header, or with another scheme, the token is missing', () => {
  const inherited: Record<string, string> = Object.create({ Authorization: 'Bearer a.b.c' })
  const others = ['', 'Basic Z2FyeTp4', 'Bearerx', 'Bearer\ta.b.c', ' Bearer a.b.c', 'a.b.c']
  const headers = others.map((authorization) => ({ authorization }))
  for (const each of [undefined, {}, { authorization: undefined }, inherited, ...headers]) {
    assert.deepEqual(readBearerToken(each), { ok: false, reason: 'token_missing' })
  }
  const odd: Record<string, string> = JSON.parse('{"authorization":["Bearer a.b.c"]}')
  assert.equal(readBearerToken(odd).ok, false)
})
