import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readJsonBody } from './json-body.ts'

const base64 = (content: string | Uint8Array) => Buffer.from(content).toString('base64')
const asText = (body: string) => readJsonBody({ body, isBase64Encoded: false })
const asBase64 = (content: string | Uint8Array) =>
  readJsonBody({ body: base64(content), isBase64Encoded: true })

/** Both ways in which API Gateway hands over the same body. */
const FORMS = [
  ['as text', asText],
  ['in base64', asBase64],
] as const

for (const [form, read] of FORMS) {
  test(`JSON ${form} is read, up to 16384 bytes`, () => {
    for (const value of [{ username: 'Zoë', password: '🔑🔑' }, [], 'text', 0, false, null]) {
      assert.deepEqual(read(JSON.stringify(value)), { ok: true, value })
    }
    const tooLarge = { ok: false, reason: 'body_too_large' }
    assert.deepEqual(read(`"${'x'.repeat(16382)}"`), { ok: true, value: 'x'.repeat(16382) })
    assert.deepEqual(read(`"${'x'.repeat(16383)}"`), tooLarge)
    // Measured in bytes: two quotation marks and 5461 characters of three bytes are 16385.
    assert.deepEqual(read(`"${'あ'.repeat(5461)}"`), tooLarge)
    assert.deepEqual(read(`"${'あ'.repeat(5460)}"`), { ok: true, value: 'あ'.repeat(5460) })
    // The deepest nesting that fits.
    assert.equal(read('['.repeat(8192) + ']'.repeat(8192)).ok, true)
  })

  test(`a body ${form} that is not JSON is body_not_json, however it is broken`, () => {
    const broken = ['{', '{} {}', "{'a':1}", 'undefined', 'NaN', ' ', '\0', '[1,]', 'a=b']
    for (const body of [...broken, '\uFEFF{}', '['.repeat(16_384)]) {
      assert.deepEqual(read(body), { ok: false, reason: 'body_not_json' }, JSON.stringify(body))
    }
  })
}

test('a body that is null, absent or empty is missing', () => {
  const missing = { ok: false, reason: 'body_missing' }
  for (const body of [null, undefined, '']) {
    for (const isBase64Encoded of [true, false, undefined]) {
      assert.deepEqual(readJsonBody({ body, isBase64Encoded }), missing)
    }
  }
  assert.deepEqual(readJsonBody({}), missing)
})

test('bytes that are not UTF-8 are rejected, not replaced', () => {
  const quoted = (...bytes: number[]) => Uint8Array.of(0x22, ...bytes, 0x22)
  const invalid = {
    'a byte that never occurs': quoted(0xff),
    'a sequence cut short': quoted(0xc3),
    'an overlong slash': quoted(0xc0, 0xaf),
    'half of a surrogate pair': quoted(0xed, 0xa0, 0x80),
    'Latin-1': quoted(0x5a, 0x6f, 0xeb),
    'UTF-16 with its byte order mark': Buffer.from('\uFEFF{}', 'utf16le'),
  }
  for (const [name, bytes] of Object.entries(invalid)) {
    assert.deepEqual(asBase64(bytes), { ok: false, reason: 'body_not_utf8' }, name)
  }
})

test('a body flagged as base64 that is not base64 is rejected', () => {
  const valid = base64('{"a":"??>>"}')
  assert.match(valid, /[+/]/)
  const invalid = {
    'plain JSON': '{"username":"gary"}',
    'one stray character': `${valid}!`,
    'a line break': `${valid}\n`,
    'no padding': base64('{"a":1}').replaceAll('=', ''),
    'the alphabet for URLs': valid.replaceAll('/', '_').replaceAll('+', '-'),
    'only padding': '====',
  }
  for (const [name, body] of Object.entries(invalid)) {
    const result = readJsonBody({ body, isBase64Encoded: true })
    assert.deepEqual(result, { ok: false, reason: 'body_not_utf8' }, name)
  }
})

test('base64 is measured before it is decoded, and not decoded if it is flagged as text', () => {
  const result = readJsonBody({ body: '!'.repeat(21_849), isBase64Encoded: true })
  assert.deepEqual(result, { ok: false, reason: 'body_too_large' })
  assert.deepEqual(asText(base64('{}')), { ok: false, reason: 'body_not_json' })
})
