import assert from 'node:assert/strict'
import { createHmac, createSecretKey, webcrypto } from 'node:crypto'
import { test } from 'node:test'
import { errors, jwtVerify } from 'jose'
import { createTokenSigner } from './tokens.ts'

const SECRET = 'ключ-'.repeat(8)
const KEY = createSecretKey(SECRET, 'utf8')
const USER = { id: 7, username: 'Zoë' }

const verify = (token: string, secret = SECRET) =>
  jwtVerify(token, new TextEncoder().encode(secret), { algorithms: ['HS256'], typ: 'JWT' })

test('a token verifies and has exactly the claims of the contract', async () => {
  const before = Math.floor(Date.now() / 1000)
  const token = await createTokenSigner(KEY, { ttlSeconds: 900 })(USER)
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
    const { payload } = await verify(
      await createTokenSigner(KEY, { ttlSeconds: 900, ...wanted })(USER),
    )
    assert.equal(payload.iss, wanted.issuer)
    assert.equal(payload.aud, wanted.audience)
    assert.equal('iss' in payload, wanted.issuer !== undefined)
    assert.equal('aud' in payload, wanted.audience !== undefined)
  }
})

test('only what the row says goes into the token', async () => {
  const row = { ...USER, password: '$2b$10$hash', created_at: '2026-01-01' }
  const { payload } = await verify(await createTokenSigner(KEY, { ttlSeconds: 900 })(row))
  assert.deepEqual(payload['payload'], { username: 'Zoë', id: 7 })
})

test('a token does not verify with another key', async () => {
  const token = await createTokenSigner(KEY, { ttlSeconds: 900 })(USER)
  await assert.rejects(verify(token, `${SECRET}!`), errors.JWSSignatureVerificationFailed)
})

test('the key is the secret in UTF-8, as any other implementation of HS256 reads it', async () => {
  const token = await createTokenSigner(KEY, { ttlSeconds: 900 })(USER)
  const [header, payload, signature] = token.split('.')
  const expected = createHmac('sha256', SECRET).update(`${header}.${payload}`)
  assert.equal(signature, expected.digest('base64url'))
})

test('a key is imported once for all of its tokens', async (t) => {
  const toCryptoKey = t.mock.method(KEY, 'toCryptoKey')
  const importKey = t.mock.method(webcrypto.subtle, 'importKey')
  const sign = createTokenSigner(KEY, { ttlSeconds: 900 })
  assert.equal(toCryptoKey.mock.callCount(), 0)
  await sign(USER)
  await sign(USER)
  assert.equal(toCryptoKey.mock.callCount(), 1)
  assert.equal(importKey.mock.callCount(), 0)
})
