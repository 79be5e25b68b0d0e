import assert from 'node:assert/strict'
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { calculateJwkThumbprint } from 'jose'
import { newSigningKey } from '../../tools/new-signing-key.ts'
import { parseSigningKey } from './signing-key.ts'

const PEM = newSigningKey('RS256')
const KEY = createPrivateKey(PEM)
const rsaPem = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export(pkcs8).toString()
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const

test('any text of at least 32 bytes is an HS256 key, which cannot be exported', async () => {
  for (const secret of ['x'.repeat(32), 'é'.repeat(16), '{[(<"/:ssh-https://30820122300d06}']) {
    const key = parseSigningKey(secret)
    assert.equal(key?.algorithm, 'HS256')
    assert.deepEqual([key.sign.extractable, key.publicJwk], [false, undefined])
    const signature = await crypto.subtle.sign('HMAC', key.sign, Buffer.from('text'))
    const expected = createHmac('sha256', secret).update('text').digest('hex')
    assert.equal(Buffer.from(signature).toString('hex'), expected)
  }
  for (const secret of ['', 'x'.repeat(31)]) assert.equal(parseSigningKey(secret), undefined)
})

test('a random key is accepted in each usual form, with line breaks and punctuation', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 96 }).map((array) => Buffer.from(array))
  const base64 = bytes
    .map((key) => key.toString('base64').replaceAll(/.{64}/g, '$&\n'))
    // Also the beginning of an RSA key's DER.
    .filter((text) => !text.startsWith('MII'))
  const printable = fc.string({ unit: 'grapheme-ascii', minLength: 32, maxLength: 96 })
  const forms = fc.oneof(
    base64.map((text) => `${text}\n`),
    // By chance the beginning of DER too, but shorter than any.
    fc.constantFrom('', '3082012230', '305930').map((start) => start.padEnd(64, '7')),
    bytes.map((key) => key.toString('hex').replace(/^30/, '31')),
    printable.filter((text) => !/^\s*(ssh-|https?:|[[\s]*\{\s*")/i.test(text)),
    printable.map((text) => `"${text}"`),
  )
  fc.assert(
    fc.property(forms, (text) => parseSigningKey(text)?.algorithm === 'HS256'),
    { numRuns: 500 },
  )
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
    assert.equal(parseSigningKey(text, { hasSigned: true }), undefined, form)
  }
})

test('a text that looks public is an HS256 key only if it has signed, and is marked', () => {
  const publicHex = (key: KeyObject) =>
    createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('hex')
  const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = createPublicKey(KEY).export({ format: 'jwk' })
  const rejected: Readonly<Record<string, string>> = {
    'SSH key': `ssh-rsa ${'AAAAB3NzaC1yc2EAAAADAQABAAAB'.repeat(3)} gary@example`,
    'SSH key of Ed25519, after a line break': `\nssh-ed25519 ${'A'.repeat(68)}`,
    'JWK in an array': JSON.stringify([jwk]),
    'JWK in an array, indented, after a byte order mark': `\uFEFF${JSON.stringify([jwk], null, 2)}`,
    'half of a JWK': JSON.stringify(jwk).slice(0, 200),
    'another object of JSON': '{ "secret" : "of more than 32 bytes" }',
    'URL of a key set': 'https://id.example/.well-known/jwks.json',
    'URL in capitals': 'HTTP://ID.EXAMPLE/.WELL-KNOWN/JWKS.JSON',
    'SPKI of RSA in hex': publicHex(KEY),
    'SPKI of RSA in hex, in capitals and lines': publicHex(KEY)
      .toUpperCase()
      .replaceAll(/.{60}/g, '$&\n'),
    'SPKI of P-256 in hex': publicHex(ec),
    'PKCS #1 in hex': createPublicKey(KEY).export({ type: 'pkcs1', format: 'der' }).toString('hex'),
  }
  for (const [form, text] of Object.entries(rejected)) {
    assert.equal(parseSigningKey(text), undefined, form)
    const { algorithm, looksPublic } = parseSigningKey(text, { hasSigned: true }) ?? {}
    assert.deepEqual([algorithm, looksPublic], ['HS256', true], form)
  }
})
