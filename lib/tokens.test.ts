import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { errors, jwtVerify } from 'jose'
import { fixedKey } from './signing-key.ts'
import { signToken } from './tokens.ts'

const SECRET = 'ключ-'.repeat(8)
const KEY = await fixedKey(SECRET)()
const USER = { id: 7, username: 'Zoë' }

const verify = (token: string, secret = SECRET) =>
  jwtVerify(token, new TextEncoder().encode(secret), { algorithms: ['HS256'], typ: 'JWT' })

test('a token verifies and has exactly the claims of the contract', async () => {
  const before = Math.floor(Date.now() / 1000)
  const token = await signToken(USER, KEY, { ttlSeconds: 900 })
  const { payload, protectedHeader } = await verify(token)

  assert.deepEqual(protectedHeader, { alg: 'HS256', typ: 'JWT' })
  const { iat = 0, exp = 0, ...rest } = payload
  assert.deepEqual(rest, { payload: { username: 'Zoë', id: 7 }, sub: '7' })
  assert.equal(exp - iat, 900)
  assert.ok(iat >= before && iat <= Math.floor(Date.now() / 1000))
})

test('the issuer and the audience are in the token where they are set', async () => {
  const cases = [
    { issuer: 'https://id.example', audience: 'https://api.example' },
    { issuer: 'https://id.example' },
    { audience: 'https://api.example' },
    { issuer: undefined, audience: undefined },
  ]
  for (const wanted of cases) {
    const { payload } = await verify(await signToken(USER, KEY, { ttlSeconds: 900, ...wanted }))
    const { issuer: iss, audience: aud } = wanted
    const { payload: _, sub: __, iat: ___, exp: ____, ...others } = payload
    assert.deepEqual(others, { ...(iss && { iss }), ...(aud && { aud }) })
  }
})

test('only the id and the name of the row are in the token', async () => {
  const row = { ...USER, password: '$2b$10$hash', created_at: '2026-01-01' }
  const { payload } = await verify(await signToken(row, KEY, { ttlSeconds: 900 }))
  assert.deepEqual(payload['payload'], { username: 'Zoë', id: 7 })
})

test('a token does not verify with another key', async () => {
  const token = await signToken(USER, KEY, { ttlSeconds: 900 })
  await assert.rejects(verify(token, `${SECRET}!`), errors.JWSSignatureVerificationFailed)
})

test('the key is the secret in UTF-8, as any other implementation of HS256 reads it', async () => {
  const token = await signToken(USER, KEY, { ttlSeconds: 900 })
  const [header, payload, signature] = token.split('.')
  const expected = createHmac('sha256', SECRET).update(`${header}.${payload}`)
  assert.equal(signature, expected.digest('base64url'))
})
