import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { jwtVerify } from 'jose'
import { environment } from '../test/support/handler.ts'
import { json, serveSdk } from '../test/support/sdk-endpoint.ts'
import { readConfig } from './config.ts'
import { startDeadline } from './deadline.ts'
import { startService } from './service.ts'
import type { SignUpDeps } from './sign-up.ts'

const [FIRST, SECOND] = [
  'the first key, of more than 32 bytes',
  'the second, of more than 32 bytes',
]

/** The deps of a request to a service whose key is in a secret, read again after that many seconds. */
async function depsWithSecret(t: TestContext, refreshSeconds: number) {
  const keys = [FIRST, SECOND].map((key) => json(200, { SecretString: key }))
  const { requests } = await serveSdk(t, keys)
  const signingKey = { secretArn: 'arn:jwt', refreshSeconds }
  const config = { ...readConfig(environment('http://127.0.0.1:9')), signingKey }
  return { requests, deps: startService(config).depsFor(startDeadline(), {}) }
}

/** Whether a token is signed now with that key. */
async function signsWith({ loadTokenSigner }: SignUpDeps, key = '') {
  const signToken = await loadTokenSigner()
  const token = await signToken({ id: 7, username: 'gary' })
  return jwtVerify(token, new TextEncoder().encode(key)).then(
    () => true,
    () => false,
  )
}

test('one signer signs for as long as its key is in force', async (t) => {
  const { requests, deps } = await depsWithSecret(t, 3600)
  assert.equal(await deps.loadTokenSigner(), await deps.loadTokenSigner())
  assert.ok(await signsWith(deps, FIRST))
  assert.equal(requests.length, 1)
})

test('a key that has taken the place of another signs from then on', async (t) => {
  const { deps } = await depsWithSecret(t, 0)
  assert.ok(await signsWith(deps, FIRST))
  for (let tries = 0; !(await signsWith(deps, SECOND)); tries += 1) {
    assert.ok(tries < 100, 'The first key still signs.')
    await sleep(10)
  }
})

test('the first call is used to sign a token ahead, and no other', async (t) => {
  const sign = t.mock.method(webcrypto.subtle, 'sign')
  const signed = () => sign.mock.callCount()
  let signedMeanwhile = 0
  await serveSdk(t, [
    () => {
      signedMeanwhile = signed()
      return json(200, { records: [] })
    },
  ])
  const { depsFor } = startService(readConfig(environment(process.env['AWS_ENDPOINT_URL'] ?? '')))
  const { insertUser } = depsFor(startDeadline(), {})
  const user = { username: 'gary', passwordHash: 'hash', idempotencyKeySha256: undefined }
  for (let call = 0; call < 2; call += 1) {
    await insertUser(user)
    assert.deepEqual({ signedMeanwhile, signed: signed() }, { signedMeanwhile: 1, signed: 1 })
  }
})
