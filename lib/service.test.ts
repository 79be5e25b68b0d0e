import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { jwtVerify } from 'jose'
import { scriptDataApi } from '../test/support/data-api-script.ts'
import { environment } from '../test/support/handler.ts'
import { readConfig } from './config.ts'
import { startDeadline } from './deadline.ts'
import { startService } from './service.ts'
import type { SignUpDeps } from './sign-up.ts'

const FIRST = 'the first key, of more than 32 bytes'
const SECOND = 'the second, of more than 32 bytes'

/** The deps of a request to a service whose key is in a secret, read again after that many seconds. */
async function depsWithSecret(t: TestContext, refreshSeconds: number) {
  const secret = (SecretString: string) => ({ body: { SecretString } })
  const answers = [secret(FIRST), ...Array(200).fill(secret(SECOND))]
  const { url, requests } = await scriptDataApi(t, answers)
  const env = environment('http://127.0.0.1:9')
  Object.assign(process.env, env, { AWS_ENDPOINT_URL_SECRETS_MANAGER: url })
  const signingKey = { secretArn: 'arn:jwt', refreshSeconds }
  const { depsFor } = startService({ ...readConfig(env), signingKey })
  return { requests, deps: depsFor(startDeadline(), {}) }
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

test('the key of the secret signs, and is read once', async (t) => {
  const { requests, deps } = await depsWithSecret(t, 3600)
  assert.ok(await signsWith(deps, FIRST))
  assert.ok(await signsWith(deps, FIRST))
  assert.equal(requests.length, 1)
})

test('a rotated key signs once it has been read', async (t) => {
  const { deps } = await depsWithSecret(t, 0)
  assert.ok(await signsWith(deps, FIRST))
  for (let tries = 0; !(await signsWith(deps, SECOND)); tries += 1) {
    assert.ok(tries < 100, 'The first key still signs.')
    await sleep(10)
  }
})
