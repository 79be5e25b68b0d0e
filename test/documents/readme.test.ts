import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../../lib/config.ts'
import { refusals } from '../../lib/responses.ts'
import { fixedKey } from '../../lib/signing-key.ts'
import { signToken } from '../../lib/tokens.ts'
import { environment, JWT_SECRET } from '../support/handler.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(`${ROOT}README.md`, 'utf8')
const example = readFileSync(`${ROOT}.env.example`, 'utf8')

test("README's snippet verifies a token and prints whose it is", async () => {
  const snippet = [...readme.matchAll(/^```js\n(.*?)^```/gms)]
    .map(([, code]) => code ?? '')
    .find((code) => code.includes('jwtVerify'))
  const TOKEN = await signToken({ id: 7, username: 'gary' }, await fixedKey(JWT_SECRET)(), {
    ttlSeconds: 60,
  })
  const verify = (secret: string) =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', snippet ?? ''], {
      cwd: ROOT,
      env: { TOKEN, JWT_SECRET: secret },
      encoding: 'utf8',
    })

  assert.equal(verify(JWT_SECRET).stdout, '7 gary\n')
  assert.match(verify('another key').stderr, /JWSSignatureVerificationFailed/)
})

test('.env.example and README list every variable that the function reads, with its default', () => {
  const read = new Set<string>()
  const env = new Proxy<Readonly<Record<string, string | undefined>>>(environment(''), {
    get(target, name) {
      if (typeof name === 'string') read.add(name)
      return Reflect.get(target, name)
    },
  })
  readConfig(env)
  assert.ok(read.has('JWT_SECRET') && read.has('BCRYPT_COST'))
  for (const name of read) {
    // Powertools' own documentation has the rest of these.
    if (/^POWERTOOLS_(DEV|LOGGER_)/.test(name)) continue
    assert.match(example, new RegExp(`^# ${name}=`, 'm'))
    assert.match(readme, new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'))
  }

  const { BCRYPT_COST: _, ...required } = environment('')
  const { bcryptCost, passwordMinLength, token } = readConfig(required)
  const defaults = {
    BCRYPT_COST: bcryptCost,
    PASSWORD_MIN_LENGTH: passwordMinLength,
    JWT_TTL_SECONDS: token.ttlSeconds,
  }
  for (const [name, value] of Object.entries(defaults)) {
    assert.match(example, new RegExp(`^# ${name}=${value}$`, 'm'))
    assert.match(readme, new RegExp(`^\\| \`${name}\` .* ${value} \\|$`, 'm'))
  }
})

test("README names every code that is not one of a caller's many mistakes", () => {
  for (const [code, { status }] of Object.entries(refusals(8))) {
    if (status !== 401) assert.match(readme, new RegExp(`^\\| .*\\b${code}\\b.* \\|$`, 'm'))
  }
})
