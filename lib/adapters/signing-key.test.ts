import assert from 'node:assert/strict'
import { createHmac, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import { newSigningKey } from '../../tools/new-signing-key.ts'
import { parseSigningKey } from './signing-key.ts'

const PEM = newSigningKey('RS256')
const KEY = createPrivateKey(PEM)
const rsaPem = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export(pkcs8).toString()
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const

test('any text of at least 32 bytes is an HS256 key, which cannot be exported', async () => {
  for (const secret of ['x'.repeat(32), 'é'.repeat(16), '{"secret":"of more than 32 bytes"}']) {
    const key = parseSigningKey(secret)
    assert.equal(key?.algorithm, 'HS256')
    assert.deepEqual([key.sign.extractable, key.publicJwk], [false, undefined])
    const signature = await crypto.subtle.sign('HMAC', key.sign, Buffer.from('text'))
    const expected = createHmac('sha256', secret).update('text').digest('hex')
    assert.equal(Buffer.from(signature).toString('hex'), expected)
  }
  for (const secret of ['', 'x'.repeat(31)]) assert.equal(parseSigningKey(secret), undefined)
})

test('a PKCS #8 PEM is an RSA key, whose JWK has only the public members', async () => {
  for (const pem of [PEM, PEM.trim(), PEM.replaceAll('\n', '\r\n'), `${PEM}\n\n`]) {
    const key = parseSigningKey(pem)
    assert.equal(key?.algorithm, 'RS256')
    assert.deepEqual([key.sign.extractable, key.sign.usages], [false, ['sign']])
    assert.deepEqual(key.verify.usages, ['verify'])
    const { n = '', e = '', kty } = KEY.export({ format: 'jwk' })
    const kid = await calculateJwkThumbprint({ kty: `${kty}`, n, e })
    assert.deepEqual(key.publicJwk, { kty, use: 'sig', alg: 'RS256', kid, n, e })
  }
})

test('a key in any other form is rejected, and is not an HS256 key either', () => {
  const body = PEM.split('\n').slice(1, -2)
  const [base64, half] = [body.join(''), body.slice(0, 10)]
  const block = (lines: readonly string[], label = 'PRIVATE KEY') =>
    [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
  const jwk = KEY.export({ format: 'jwk' })
  const rejected: Readonly<Record<string, string>> = {
    'a leading space': ` ${PEM}`,
    'a byte order mark': `\uFEFF${PEM}`,
    'a line of text': `Key:\n${PEM}`,
    'text after it': `${PEM}text`,
    'two blocks': `${PEM}${newSigningKey('RS256')}`,
    'half of it': block(half),
    'its first half': PEM.slice(0, 900),
    'its last half': PEM.slice(900),
    'literal line breaks': PEM.replaceAll('\n', '\\n'),
    'PKCS #1': KEY.export({ type: 'pkcs1', format: 'pem' }).toString(),
    encrypted: KEY.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
    'another label': block(body, 'RSA PRIVATE KEY'),
    'too short': rsaPem(1024),
    '2040 bits': rsaPem(2040),
    'RSA-PSS': generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
      .privateKey.export(pkcs8)
      .toString(),
    EC: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pkcs8).toString(),
    'base64 of the PEM': Buffer.from(PEM).toString('base64'),
    'base64 of the DER': base64,
    'base64 of the DER, after a space': ` ${base64}`,
    JWK: JSON.stringify(jwk),
    'JWK after a byte order mark': `\uFEFF\n${JSON.stringify(jwk, null, 2)}`,
    'symmetric JWK': JSON.stringify({ k: 'k'.repeat(43), kty: 'oct' }),
    'key set': JSON.stringify({ keys: [jwk] }),
    'private half alone': 'MII'.repeat(20),
  }
  for (const [form, text] of Object.entries(rejected)) {
    assert.equal(parseSigningKey(text), undefined, form)
  }
})
