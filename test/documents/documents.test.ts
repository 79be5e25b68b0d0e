import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../../lib/config.ts'
import { fixedKey } from '../../lib/signing-key.ts'
import { signToken } from '../../lib/tokens.ts'
import { INJECTED_FAULTS } from '../../tools/local/data-api/faults.ts'
import { environment, JWT_SECRET } from '../support/handler.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8')
const documents = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((file) => existsSync(`${ROOT}${file}`))

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

for (const file of documents) {
  test(`${file}: links and paths lead to what is there`, () => {
    const text = read(file)
    const prose = text.replaceAll(/^```.*?^```/gms, '')
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const other = path === '' ? file : join(dirname(file), path)
      assert.ok(existsSync(`${ROOT}${other}`), target)
      if (anchor === undefined) continue
      const headings = [...read(other).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
        anchorOf(text),
      )
      assert.ok(headings.includes(anchor), target)
    }
    // Files of this repository that are named, in any of its folders.
    const named =
      /`((?:functions|lib|test|tools|migrations|events|resources|docs)\/[\w./-]+\.\w+)`/g
    for (const [, path = ''] of prose.matchAll(named)) {
      assert.ok(path.includes('NNN') || existsSync(`${ROOT}${path}`), path)
    }
    const scripts: object = JSON.parse(read('package.json')).scripts
    for (const [, script = ''] of text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)) {
      assert.ok(Object.hasOwn(scripts, script), script)
    }
  })
}

test("README's snippet verifies a token and prints whose it is", async () => {
  const [, snippet = ''] = /^```js\n(.*?)^```/ms.exec(read('README.md')) ?? []
  const TOKEN = await signToken({ id: 7, username: 'gary' }, await fixedKey(JWT_SECRET)(), {
    ttlSeconds: 60,
  })
  const verify = (secret: string) =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', snippet], {
      cwd: ROOT,
      env: { TOKEN, JWT_SECRET: secret },
      encoding: 'utf8',
    })
  assert.equal(verify(JWT_SECRET).stdout, '7 gary\n')
  assert.match(verify('another key').stderr, /JWSSignatureVerificationFailed/)
})

test('.env.example and README list every variable that the function reads, with its default', () => {
  const variables = new Set<string>()
  const env = new Proxy<Readonly<Record<string, string | undefined>>>(environment(''), {
    get(target, name) {
      if (typeof name === 'string') variables.add(name)
      return Reflect.get(target, name)
    },
  })
  readConfig(env)
  const [example, readme] = [read('.env.example'), read('README.md')]
  for (const name of variables) {
    // Powertools documents the rest of its own.
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

test('every fault of the local Data API is documented', () => {
  const document = read('docs/local-data-api.md')
  for (const name of Object.keys(INJECTED_FAULTS)) assert.ok(document.includes(`| \`${name}\` |`))
})
