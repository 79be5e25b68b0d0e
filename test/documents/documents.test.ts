import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../../lib/config.ts'
import { rejections } from '../../lib/http/outcomes.ts'
import { INJECTED_FAULTS } from '../../tools/local/data-api/faults.ts'
import { environment } from '../support/handler.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { readText } from '../support/yaml.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LS_FILES = ['ls-files', '-co', '--exclude-standard']
const files = execFileSync('git', LS_FILES, { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((file) => existsSync(`${ROOT}${file}`))
const documents = files.filter((file) => file.endsWith('.md'))
const folders = new Set(files.flatMap((file) => /^([^/]+)\//.exec(file)?.[1] ?? []))

/** Returns GitHub's anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

for (const file of documents) {
  test(`${file}: the links, paths and scripts in it exist`, () => {
    const text = readText(file)
    const prose = text.replaceAll(/^```.*?^```/gms, '')
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const other = path === '' ? file : join(dirname(file), path)
      assert.ok(existsSync(`${ROOT}${other}`), target)
      if (anchor === undefined) continue
      const headings = readText(other).match(/(?<=^#+ ).*$/gm) ?? []
      assert.ok(headings.map(anchorOf).includes(anchor), target)
    }
    // Paths, also in commands. CHANGELOG.md may name removed files.
    for (const [path] of text.matchAll(
      /(?<![\w./:-])[\w.-]+(?:(?:\/[\w.-]*\w)+\/?|\.(?:md|yml|yaml))/g,
    )) {
      const [folder = ''] = path.split('/')
      if (file === 'CHANGELOG.md' || path.includes('NNN')) continue
      if (path.includes('/') && !folders.has(folder)) continue
      assert.ok(existsSync(`${ROOT}${path}`) || existsSync(join(ROOT, dirname(file), path)), path)
    }
    const scripts: object = JSON.parse(readText('package.json')).scripts
    for (const [, script = ''] of text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)) {
      assert.ok(Object.hasOwn(scripts, script), script)
    }
  })
}

test('.env.example and README list every variable that the function reads, with its default', () => {
  const variables = new Set<string>()
  const env = new Proxy<Readonly<Record<string, string | undefined>>>(environment(''), {
    get(target, name) {
      if (typeof name === 'string') variables.add(name)
      return Reflect.get(target, name)
    },
  })
  readConfig(env)
  const [example, readme] = [readText('.env.example'), readText('README.md')]
  for (const name of variables) {
    // Powertools documents its other variables.
    if (/^POWERTOOLS_(DEV|LOGGER_)/.test(name)) continue
    assert.match(example, new RegExp(`^# ${name}=`, 'm'))
    assert.match(readme, new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'))
  }
  const { BCRYPT_COST: _, ...required } = environment('')
  const { bcryptCost, passwordMinLength, sessionMaxDays, token } = readConfig(required)
  const defaults = {
    BCRYPT_COST: bcryptCost,
    PASSWORD_MIN_LENGTH: passwordMinLength,
    JWT_TTL_SECONDS: token.ttlSeconds,
    SESSION_MAX_DAYS: sessionMaxDays,
  }
  for (const [name, value] of Object.entries(defaults)) {
    assert.match(example, new RegExp(`^# ${name}=${value}$`, 'm'))
    assert.match(readme, new RegExp(`^\\| \`${name}\` .* ${value} \\|$`, 'm'))
  }
})

test('README and the runbook list every code of a response that is not 401', () => {
  const readme = readText('README.md')
  const runbook = readText('docs/runbook.md')
  for (const [code, { status, retryAfterSeconds }] of Object.entries(rejections(8))) {
    if (status !== 401) assert.match(readme, new RegExp(`^\\| .*\\b${code}\\b.* \\|$`, 'm'))
    if (retryAfterSeconds) assert.match(runbook, new RegExp(`^\\| .*\`${code}\`.* \\|`, 'm'))
  }
})

test('package.json, openapi.yaml and the latest section of the CHANGELOG have one version', () => {
  const { version } = JSON.parse(readText('package.json'))
  assert.match(readText('openapi.yaml'), new RegExp(`^  version: ${version}$`, 'm'))
  assert.equal(/^## \[(.*?)\]/m.exec(readText('CHANGELOG.md'))?.[1], version)
})

test('every fault of the local Data API is documented', () => {
  const document = readText('docs/local-data-api.md')
  for (const name of Object.keys(INJECTED_FAULTS)) assert.ok(document.includes(`| \`${name}\` |`))
})

test('a clone with core.autocrlf has LF, which the formatter and the tests expect', (t) => {
  const folder = temporaryFolder(t)
  const options = ['--config', 'core.autocrlf=true', '--depth', '1', '--quiet']
  execFileSync('git', ['clone', ...options, `file://${ROOT}`, folder])
  const eol = execFileSync('git', ['ls-files', '--eol'], { cwd: folder, encoding: 'utf8' })
  assert.match(eol, /w\/lf/)
  assert.doesNotMatch(eol, /w\/crlf/)
})
