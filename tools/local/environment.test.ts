import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { readConfig } from '../../lib/config.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { newSigningKey } from '../new-signing-key.ts'

const run = promisify(execFile)
const MODULE = new URL('environment.ts', import.meta.url).href

/** Resolves with the environment of a separate process, which is `shell` as completed there. */
function setUp(t: TestContext, dotEnv?: string) {
  const folder = temporaryFolder(t)
  if (dotEnv !== undefined) writeFileSync(`${folder}/.env`, dotEnv)
  const places = { envFile: `${folder}/.env`, localFolder: `${folder}/.local` }
  const script = `import { loadLocalEnvironment } from '${MODULE}'
    loadLocalEnvironment(${JSON.stringify(places)})
    console.log(JSON.stringify(process.env))`
  const load = async (shell: Record<string, string> = {}): Promise<Record<string, string>> => {
    const args = ['--input-type=module', '--eval', script]
    const { stdout } = await run(process.execPath, args, { env: shell })
    return JSON.parse(stdout)
  }
  return { folder, load }
}

test('the shell overrides .env, and .env the defaults; empty counts as not set', async (t) => {
  const { load } = setUp(t, 'DB_NAME=from-dot-env\nJWT_ISSUER=from-dot-env\nDB_CLUSTER_ARN=\n')
  const environment = await load({ DB_NAME: 'from-shell', DB_SECRET_ARN: '' })
  const { databaseName, token, clusterArn, secretArn } = readConfig(environment)
  assert.deepEqual([databaseName, token.issuer], ['from-shell', 'from-dot-env'])
  assert.match(clusterArn, /:cluster:local$/)
  assert.match(secretArn, /:secret:local$/)
})

test('no real AWS credentials, endpoint setting or proxy leads past the local Data API', async (t) => {
  const { load } = setUp(t, 'AWS_SESSION_TOKEN=real\nAWS_ACCESS_KEY_ID=real')
  const environment = await load({
    AWS_SECRET_ACCESS_KEY: 'real',
    AWS_PROFILE: 'real',
    AWS_DEFAULT_PROFILE: 'real',
    AWS_CONFIG_FILE: 'real',
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
    AWS_USE_FIPS_ENDPOINT: 'true',
    AWS_USE_DUALSTACK_ENDPOINT: 'true',
    NO_PROXY: 'intranet.example',
  })
  const names = Object.keys(environment).filter((name) => name.startsWith('AWS_'))
  assert.deepEqual(names.sort(), [
    'AWS_ACCESS_KEY_ID',
    'AWS_CONFIG_FILE',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SHARED_CREDENTIALS_FILE',
  ])
  assert.ok(!Object.values(environment).includes('real'))
  assert.equal(environment['no_proxy'], 'intranet.example,localhost,127.0.0.1')
  assert.equal(environment['NO_PROXY'], environment['no_proxy'])
})

test('processes that start at once create one key, for this user alone', async (t) => {
  const { folder, load } = setUp(t)
  const environments = await Promise.all([load(), load(), load(), load()])
  const keys = new Set(
    [...environments, await load()].map((environment) => environment['JWT_SECRET']),
  )
  assert.equal(keys.size, 1)
  assert.equal(statSync(`${folder}/.local/jwt-secret`).mode & 0o777, 0o600)
})

test('RS256 has its own key, and the claims that verifiers of public keys need', async (t) => {
  const { folder, load } = setUp(t)
  const first = await load({ JWT_ALGORITHM: 'RS256', PORT: '3005' })
  const { algorithm, token } = readConfig(first)
  assert.equal(algorithm, 'RS256')
  assert.deepEqual([token.issuer, token.audience], ['http://localhost:3005', 'local'])
  assert.equal(statSync(`${folder}/.local/jwt-key.pem`).mode & 0o777, 0o600)
  const second = await load({ JWT_ALGORITHM: 'RS256', JWT_ISSUER: 'https://id.example' })
  assert.equal(second['JWT_SECRET'], first['JWT_SECRET'])
  assert.equal(readConfig(second).token.issuer, 'https://id.example')
  const { databaseName, token: byDefault } = readConfig(await load())
  assert.deepEqual([databaseName, byDefault.issuer], ['latchkey', undefined])
})

test('a PEM in the quotes of .env.example arrives whole', async (t) => {
  const pem = newSigningKey('RS256')
  const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
  const [quoted = ''] = /^# JWT_SECRET="[^"]*"$/m.exec(example) ?? []
  const line = quoted.replaceAll(/^# /gm, '').replace(/-----BEGIN[^"]*/, pem.trim())
  const { load } = setUp(t, `JWT_ALGORITHM=RS256\n${line}\n`)
  const environment = await load()
  assert.equal(environment['JWT_SECRET'], pem.trim())
  assert.equal(readConfig(environment).algorithm, 'RS256')
})
