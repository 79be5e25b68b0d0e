import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signatureOf } from '../../test/support/signature.ts'
import { createSigner } from './signature.ts'

const POST = {
  path: '/Execute',
  headers: { host: 'rds-data.eu-central-1.amazonaws.com', 'content-type': 'application/json' },
  body: '{"sql":"SELECT 😀"}',
}
const ADA = { accessKeyId: 'ADA', secretAccessKey: 'the secret of Ada' }
const BOB = { accessKeyId: 'BOB', secretAccessKey: 'the secret of Bob', sessionToken: 'token' }
const NOON = new Date('2026-01-02T12:34:56.789Z')
const MIDNIGHT = new Date('2026-01-03T00:00:00.000Z')

test('one signer signs by the key and the day of each request', () => {
  const sign = createSigner('rds-data', 'eu-central-1')
  for (const [who, when, time] of [
    [ADA, NOON, '20260102T123456Z'],
    [ADA, NOON, '20260102T123456Z'],
    [BOB, NOON, '20260102T123456Z'],
    [BOB, MIDNIGHT, '20260103T000000Z'],
    [ADA, NOON, '20260102T123456Z'],
  ] as const) {
    const headers = sign(POST, who, when)
    const { authorization } = headers
    assert.equal(headers['x-amz-date'], time)
    assert.ok(authorization?.includes(`Credential=${who.accessKeyId}/${time.slice(0, 8)}/`))
    const request = { ...POST, method: 'POST', port: undefined, headers }
    assert.equal(authorization, signatureOf(request, who.secretAccessKey))
  }
})

test('every header is signed but the signature, in order, and each stays as it is', () => {
  const sign = createSigner('secretsmanager', 'us-east-1')
  const headers = { ...POST.headers, 'x-amz-target': 'secretsmanager.GetSecretValue', accept: '*' }
  const { authorization, ...signed } = sign({ ...POST, headers }, BOB, NOON)
  assert.partialDeepStrictEqual(signed, { ...headers, 'x-amz-security-token': 'token' })
  assert.equal(
    /SignedHeaders=([^,]+)/.exec(authorization ?? '')?.[1],
    'accept;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target',
  )
  assert.deepEqual(Object.keys(signed).length, 7)
})

test('without a session token none is sent', () => {
  for (const who of [ADA, { ...ADA, sessionToken: '' }]) {
    const headers = createSigner('rds-data', 'eu-central-1')(POST, who, NOON)
    assert.ok(!('x-amz-security-token' in headers))
  }
})

test('the time is that of the signature where none is given', () => {
  const before = Date.now() - 1000
  const { 'x-amz-date': time = '' } = createSigner('rds-data', 'eu-central-1')(POST, ADA)
  const iso = time.replace(/(....)(..)(..T..)(..)/, '$1-$2-$3:$4:')
  assert.ok(Date.parse(iso) >= before && Date.parse(iso) <= Date.now(), time)
})
