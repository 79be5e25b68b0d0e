import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { readIdempotencyKey } from './idempotency-key.ts'

const read = (key: string | undefined) => readIdempotencyKey({ 'idempotency-key': key })
const MALFORMED = { ok: false, reason: 'idempotency_key_malformed' }

test('a key of 16 to 255 visible ASCII characters is accepted, and only its digest returned', () => {
  const visible = String.fromCharCode(...Array.from({ length: 0x7e - 0x20 }, (_, i) => 0x21 + i))
  const uuid = '8e03978e-40d5-43e8-bc93-6894a57f9324'
  for (const key of ['k'.repeat(16), 'k'.repeat(255), visible, uuid, `"${uuid}"`]) {
    const sha256 = createHash('sha256').update(key, 'ascii').digest('hex')
    assert.deepEqual(read(key), { ok: true, sha256 }, key)
  }
})

test('anything else is rejected', () => {
  for (const json of ['1234567890123456', '{"length":20}', 'true', 'null']) {
    const headers = JSON.parse(`{"idempotency-key":${json}}`)
    assert.deepEqual(readIdempotencyKey(headers), MALFORMED, json)
  }
  const long = 'k'.repeat(20)
  const spaced = [`${long} ${long}`, `${long}, ${long}`, ` ${long}`]
  const odd = ['\t', '\n', '\0', '\x7f', 'ë', '🔑'].map((end) => `${long}${end}`)
  for (const key of ['', 'k'.repeat(15), 'k'.repeat(256), ...spaced, ...odd]) {
    assert.deepEqual(read(key), MALFORMED, JSON.stringify(key))
  }
})

test('a request without the header has no key', () => {
  const withoutKey = { ok: true, sha256: undefined }
  for (const headers of [undefined, {}, { 'idempotency-key': undefined }, { other: 'value' }]) {
    assert.deepEqual(readIdempotencyKey(headers), withoutKey)
  }
})
