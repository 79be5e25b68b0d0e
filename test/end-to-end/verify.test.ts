import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { decodeJwt, SignJWT } from 'jose'
import { parse } from 'yaml'
import { signToken } from '../../lib/adapters/tokens.ts'
import { freePort } from '../../tools/local/port.ts'
import { newSigningKey } from '../../tools/new-signing-key.ts'
import { JWT_SECRET, signingKey } from '../support/handler.ts'
import { startEndpoint } from '../support/npm-start.ts'
import { copyService } from '../support/service-copy.ts'
import { at } from '../support/yaml.ts'

const run = promisify(execFile)
const ROOT = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8')

/** The code of docs/verify.md in one language, in order: with RS256 and with HS256. */
const snippets = (language: string) => {
  const [rs256 = '', hs256 = ''] = read('docs/verify.md').split('## With HS256')
  const find = (text: string) =>
    Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms')), ([, code]) =>
      String(code),
    )
  return { rs256: find(rs256), hs256: find(hs256) }
}

type Variables = Readonly<Record<string, string>>

/** Runs JavaScript where the project's packages are found. */
const runNode = (code: string, env: Variables) =>
  run(process.execPath, ['--input-type=module', '--eval', code], { cwd: ROOT, env })

const PYTHONS = ['python3', '/usr/bin/python3']
const imports = PYTHONS.map((python) => run(python, ['-c', 'import jwt, cryptography']))
const imported = await Promise.allSettled(imports)
const python = PYTHONS.find((_, index) => imported[index]?.status === 'fulfilled')
const NO_PYTHON = python ? false : 'no Python with PyJWT and cryptography'

/** The languages of the snippets, the reason to skip one here, and the function that runs one. */
const LANGUAGES = [
  ['js', false, runNode],
  ['python', NO_PYTHON, (code: string, env: Variables) => run(`${python}`, ['-c', code], { env })],
] as const

const USER = { id: 7, username: 'gary' }

/** Seconds that the clock of a verifier is behind. */
const SKEW_SECONDS = 30

for (const [language, reason, runCode] of LANGUAGES) {
  test(`with HS256 the snippet in ${language} prints the token's user`, {
    skip: reason,
  }, async (t) => {
    // The verifier's clock is behind.
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + SKEW_SECONDS * 1000 })
    const TOKEN = await signToken(USER, signingKey(), { ttlSeconds: 3600 })
    t.mock.timers.reset()
    const { hs256 } = snippets(language)
    assert.equal(hs256.length, 1)
    for (const code of hs256) {
      const { stdout } = await runCode(code, { TOKEN, JWT_SECRET })
      assert.equal(stdout, '7 gary\n')
      const wrong = runCode(code, { TOKEN, JWT_SECRET: 'another key, of more than 32 bytes' })
      await assert.rejects(wrong, { stderr: /[Ss]ignature/ })
    }
  })
}

test('the document has the same authorizer as the example', () => {
  const [rs256 = ''] = snippets('yaml').rs256
  const authorizerOf = (text: string) =>
    at(parse(text, { logLevel: 'silent' }), 'provider', 'httpApi', 'authorizers', 'latchkey')
  const example = read('examples/protected-api/serverless.yml')
  const { issuerUrl, audience, ...same } = Object(authorizerOf(rs256))
  assert.partialDeepStrictEqual(authorizerOf(example), same)
  for (const value of [issuerUrl, audience]) {
    assert.ok(example.includes(`aws: !ImportValue ${value}`), value)
  }
})

/** Starts `npm start` with RS256, and signs a user up. */
async function startWithKeys(t: TestContext) {
  const cwd = copyService(t)
  const port = await freePort('127.0.0.1', 0)
  await startEndpoint(t, { cwd, env: { PORT: String(port), JWT_ALGORITHM: 'RS256' } })
  const ISSUER = `http://localhost:${port}`
  const response = await fetch(`${ISSUER}/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'grace', password: 'correct horse battery' }),
  })
  const { token } = Object(await response.json())
  const otherKey = signingKey(newSigningKey('RS256'))
  const forged = await new SignJWT(decodeJwt(token))
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: `${otherKey.publicJwk?.kid}` })
    .sign(otherKey.sign)
  const ownKey = signingKey(readFileSync(`${cwd}/.local/jwt-key.pem`, 'utf8'))
  const iat = Math.floor(Date.now() / 1000) + SKEW_SECONDS
  const slashed = await new SignJWT({ ...decodeJwt(token), iss: `${ISSUER}/`, iat })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: `${ownKey.publicJwk?.kid}` })
    .sign(ownKey.sign)
  return { cwd, ISSUER, AUDIENCE: 'local', TOKEN: String(token), forged, slashed }
}

test('a token verifies with the public keys, and a service behind an authorizer gets its user', async (t) => {
  const { cwd, ISSUER, AUDIENCE, TOKEN, forged, slashed } = await startWithKeys(t)

  for (const [language, reason, runCode] of LANGUAGES) {
    for (const [index, code] of snippets(language).rs256.entries()) {
      await t.test(`snippet ${index + 1} in ${language}`, { skip: reason }, async () => {
        const env = { ISSUER, AUDIENCE, TOKEN }
        assert.equal((await runCode(code, env)).stdout, '1 grace\n')
        const withSlash = { ...env, ISSUER: `${ISSUER}/`, TOKEN: slashed }
        assert.equal((await runCode(code, withSlash)).stdout, '1 grace\n')
        await assert.rejects(runCode(code, { ...env, TOKEN: forged }))
        await assert.rejects(runCode(code, { ...env, AUDIENCE: 'another' }))
      })
    }
  }

  await t.test('the example accepts the token, and no other', async (t) => {
    const httpPort = await freePort('127.0.0.1', 0)
    await startEndpoint(t, {
      cwd: `${cwd}/examples/protected-api`,
      env: { LATCHKEY_URL: ISSUER },
      command: ['npx', 'serverless', 'offline', 'start', '--httpPort', `${httpPort}`],
      lastLine: 'Server ready',
    })
    const hello = (token?: string) =>
      fetch(`http://localhost:${httpPort}/hello`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })
    const response = await hello(TOKEN)
    assert.deepEqual(
      [response.status, await response.json()],
      [200, { message: 'Hello, grace', id: 1 }],
    )
    for (const token of [undefined, forged, `${TOKEN}x`, '']) {
      const rejected = await hello(token)
      assert.deepEqual([rejected.status, await rejected.json()], [401, { message: 'Unauthorized' }])
    }
  })
})
