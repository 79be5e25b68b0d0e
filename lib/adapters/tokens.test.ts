import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose'
import { signingKey } from '../../test/support/handler.ts'
import { newSigningKey } from '../../tools/new-signing-key.ts'
import { signToken, verifyToken } from './tokens.ts'

const RSA = signingKey(newSigningKey('RS256'))
const SECRET = 'ключ-'.repeat(8)
const KEY = signingKey(SECRET)
const USER = { id: 7, username: 'Zoë' }
const VALID = { ok: true, user: { id: 7, passwordVersion: 0 } }

const verify = (token: string, secret = SECRET) =>
  jwtVerify(token, new TextEncoder().encode(secret), { algorithms: ['HS256'], typ: 'JWT' })

test('a token verifies and has exactly the claims of the contract', async () => {
  const before = Math.floor(Date.now() / 1000)
  const token = await signToken(USER, KEY, { ttlSeconds: 900 })
  const { payload, protectedHeader } = await verify(token)

  assert.deepEqual(protectedHeader, { alg: 'HS256', typ: 'JWT' })
  const { iat = 0, exp = 0, ...rest } = payload
  assert.deepEqual(rest, { payload: { username: 'Zoë', id: 7 }, sub: '7', auth_time: iat })
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
    assert.deepEqual([payload.iss, payload.aud], [iss, aud])
    const names = [
      'payload',
      'sub',
      'iat',
      'exp',
      'auth_time',
      ...(iss ? ['iss'] : []),
      ...(aud ? ['aud'] : []),
    ]
    assert.deepEqual(Object.keys(payload).sort(), names.sort())
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

test('the key is the secret in UTF-8, as in other implementations of HS256', async () => {
  const token = await signToken(USER, KEY, { ttlSeconds: 900 })
  const [header, payload, signature] = token.split('.')
  const expected = createHmac('sha256', SECRET).update(`${header}.${payload}`)
  assert.equal(signature, expected.digest('base64url'))
})

test('with RS256 a token also has the key id and a claim with the name', async () => {
  const { payload, protectedHeader } = await jwtVerify(
    await signToken(USER, RSA, OPTIONS),
    RSA.verify,
    { algorithms: ['RS256'], typ: 'JWT', issuer: OPTIONS.issuer, audience: OPTIONS.audience },
  )
  assert.deepEqual(protectedHeader, { alg: 'RS256', typ: 'JWT', kid: RSA.publicJwk?.kid })
  const { iat, exp: _, iss: __, aud: ___, ...claims } = payload
  const contract = { payload: { username: 'Zoë', id: 7 }, sub: '7', auth_time: iat }
  assert.deepEqual(claims, { ...contract, preferred_username: 'Zoë' })
})

const OPTIONS = { ttlSeconds: 900, issuer: 'https://id.example', audience: 'web' }
const REJECTED = { ok: false, reason: 'token_invalid' }
const OTHER = signingKey(`${SECRET}!`)

/** Signs the claims of a valid token with changes that the service would not make. */
function forge(claims: object) {
  const now = Math.floor(Date.now() / 1000)
  const valid = { sub: '7', exp: now + 60, iss: OPTIONS.issuer, aud: OPTIONS.audience }
  return new SignJWT({ ...valid, ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(KEY.sign)
}

test('a token of the service verifies with any of the keys, and gives the id', async () => {
  const token = await signToken(USER, KEY, OPTIONS)
  for (const keys of [[KEY], [OTHER, KEY], [KEY, OTHER]] as const) {
    assert.partialDeepStrictEqual(await verifyToken(token, keys, OPTIONS), VALID)
  }
  assert.equal(await verifyToken(token, [OTHER], OPTIONS), undefined)
})

test('a token is verified with the algorithm of the key, regardless of its header', async () => {
  const token = await signToken(USER, RSA, OPTIONS)
  assert.partialDeepStrictEqual(await verifyToken(token, [RSA], OPTIONS), VALID)
  assert.partialDeepStrictEqual(await verifyToken(token, [KEY, RSA], OPTIONS), VALID)
  assert.equal(await verifyToken(token, [signingKey(newSigningKey('RS256'))], OPTIONS), undefined)

  // Public values as an HMAC key, with either header.
  const { publicJwk } = RSA
  const spki = createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString()
  for (const known of [spki, spki.trim(), JSON.stringify(publicJwk), publicJwk?.n ?? '']) {
    for (const header of [
      { alg: 'HS256' },
      { alg: 'HS256', kid: publicJwk?.kid },
      { alg: 'RS256', kid: publicJwk?.kid },
    ]) {
      const [head, body] = [header, decodeJwt(token)].map((part) =>
        Buffer.from(JSON.stringify(part)).toString('base64url'),
      )
      const mac = createHmac('sha256', known).update(`${head}.${body}`).digest('base64url')
      assert.equal(await verifyToken(`${head}.${body}.${mac}`, [RSA], OPTIONS), undefined)
      assert.equal(await verifyToken(`${head}.${body}.${mac}`, [KEY, RSA], OPTIONS), undefined)
    }
  }
  const [, body] = token.split('.')
  for (const alg of ['none', 'RS512', 'PS256', 'ES256']) {
    const head = Buffer.from(JSON.stringify({ alg })).toString('base64url')
    assert.equal(await verifyToken(`${head}.${body}.AAAA`, [RSA, KEY], OPTIONS), undefined, alg)
  }
})

test('after a change of the algorithm, an earlier token is valid with the previous issuer and audience', async () => {
  const before = await signToken(USER, KEY, { ttlSeconds: 900 })
  assert.partialDeepStrictEqual(await verifyToken(before, [RSA, KEY], OPTIONS), VALID)
  const back = await signToken(USER, RSA, { ttlSeconds: 900, issuer: 'x', audience: 'y' })
  assert.partialDeepStrictEqual(await verifyToken(back, [KEY, RSA], OPTIONS), VALID)
  const now = await signToken(USER, RSA, { ttlSeconds: 900 })
  assert.deepEqual(await verifyToken(now, [RSA, KEY], OPTIONS), REJECTED)
})

test('the version of the password is in the token if it is above 0', async () => {
  for (const [user, passwordVersion] of [
    [USER, 0],
    [{ ...USER, passwordVersion: 0 }, 0],
    [{ ...USER, passwordVersion: 3 }, 3],
  ] as const) {
    const token = await signToken(user, KEY, OPTIONS)
    const { payload } = await verify(token)
    assert.equal(payload['password_version'], passwordVersion || undefined)
    const verified = await verifyToken(token, [KEY], OPTIONS)
    assert.partialDeepStrictEqual(verified, { ok: true, user: { id: 7, passwordVersion } })
  }
})

test('a token of a session has its id, and one of a renewal has no time of the authentication', async () => {
  const sid = '0123456789abcdef'
  for (const isRenewal of [false, true]) {
    const token = await signToken(USER, KEY, OPTIONS, { sid, isRenewal })
    const { payload } = await verify(token)
    assert.deepEqual([payload['sid'], 'auth_time' in payload], [sid, !isRenewal])
    const verified = await verifyToken(token, [KEY], OPTIONS)
    assert.ok(verified?.ok)
    assert.deepEqual([verified.user.sid, 'authTime' in verified.user], [sid, !isRenewal])
  }
})

test('the time of the authentication is a number of the token, or unknown', async () => {
  for (const [claims, authTime] of [
    [{ auth_time: 1796096188 }, 1796096188],
    [{}, undefined],
    [{ auth_time: '1796096188' }, undefined],
  ] as const) {
    const verified = await verifyToken(await forge(claims), [KEY], OPTIONS)
    assert.equal(verified?.ok && verified.user.authTime, authTime)
  }
})

test('a token with claims that the service does not sign is rejected', async () => {
  assert.partialDeepStrictEqual(await verifyToken(await forge({}), [KEY], OPTIONS), VALID)
  for (const claims of [
    { exp: undefined },
    { exp: 'tomorrow' },
    { sub: undefined },
    { iss: undefined },
    { iss: 'https://id.example/' },
    { aud: undefined },
    { aud: 'app' },
    { password_version: '1' },
    ...[7, null, '', 'A'.repeat(16), 'a'.repeat(15), ['a'.repeat(16)]].map((sid) => ({ sid })),
    { password_version: null },
    { nbf: Math.floor(Date.now() / 1000) + 60 },
    ...['', '0', '-7', '7.5', '07', '7e1', ' 7', '9007199254740993', 'gary'].map((sub) => ({
      sub,
    })),
  ]) {
    const result = await verifyToken(await forge(claims), [KEY], OPTIONS)
    assert.deepEqual(result, REJECTED, JSON.stringify(claims))
  }
})

test('if no issuer and no audience are set, those of the token are ignored', async () => {
  const result = await verifyToken(await forge({}), [KEY], { ttlSeconds: 900 })
  assert.partialDeepStrictEqual(result, VALID)
})

test('an expired token is rejected as expired, unless the caller allows that age', async () => {
  const token = await forge({ exp: Math.floor(Date.now() / 1000) - 100 })
  const expired = { ok: false, reason: 'token_expired' }
  assert.deepEqual(await verifyToken(token, [KEY], OPTIONS), expired)
  assert.deepEqual(await verifyToken(token, [KEY], OPTIONS, 90), expired)
  assert.partialDeepStrictEqual(await verifyToken(token, [KEY], OPTIONS, 110), VALID)
  // The signature is checked first.
  assert.equal(await verifyToken(token, [OTHER], OPTIONS), undefined)
})

test('text that is not a compact JWS is rejected, and nothing throws', async () => {
  const token = await forge({})
  for (const text of [
    '',
    '.',
    '..',
    'a.b',
    'a.b.c',
    `${token}.x`,
    `${token} `,
    `${token}\n`,
    'é.é.é',
  ]) {
    assert.deepEqual(await verifyToken(text, [KEY], OPTIONS), REJECTED, text)
  }
})
