import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signingKey } from '../../test/support/handler.ts'
import { newSigningKey } from '../../tools/new-signing-key.ts'
import { discovery, keySet } from './well-known.ts'

const [RSA, OTHER] = [signingKey(newSigningKey('RS256')), signingKey(newSigningKey('RS256'))]
const HMAC = signingKey()

test('the set has each public key in force once, and nothing of any other key', async () => {
  for (const [keys, inSet] of [
    [[HMAC], []],
    [[RSA], [RSA]],
    [
      [RSA, OTHER, HMAC],
      [RSA, OTHER],
    ],
    // A pending version that is also the current one.
    [[RSA, signingKey(newSigningKey('RS256')), RSA], undefined],
    [[HMAC, RSA], [RSA]],
  ] as const) {
    const { body, publicSeconds } = await keySet({ loadKeys: async () => keys })
    assert.equal(publicSeconds, 300)
    const { keys: jwks }: { keys: { kid: string }[] } = JSON.parse(JSON.stringify(body))
    if (inSet)
      assert.deepEqual(
        jwks,
        inSet.map(({ publicJwk }) => ({ ...publicJwk })),
      )
    assert.equal(new Set(jwks.map(({ kid }) => kid)).size, jwks.length)
    for (const jwk of jwks) {
      assert.equal(Object.keys(jwk).sort().join(' '), 'alg e kid kty n use')
    }
  }
})

test('discovery has the URL of the keys, under the issuer', () => {
  for (const issuer of ['https://id.example', 'http://localhost:3000', 'https://id.example/v1']) {
    for (const slash of ['', '/']) {
      const result = discovery('RS256', `${issuer}${slash}`)
      assert.ok(result.ok)
      assert.partialDeepStrictEqual(result.body, {
        issuer: `${issuer}${slash}`,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        id_token_signing_alg_values_supported: ['RS256'],
      })
    }
  }
})

test('there is no discovery with HS256, or if the issuer is not a URL', () => {
  const unavailable = { ok: false, reason: 'discovery_unavailable' }
  for (const issuer of [undefined, '', 'latchkey', 'ftp://id.example', 'id.example:443']) {
    assert.deepEqual(discovery('RS256', issuer), unavailable)
  }
  assert.deepEqual(discovery('HS256', 'https://id.example'), unavailable)
})
