import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, entriesOf, namesIn, readText } from '../support/yaml.ts'

const manifest: object = JSON.parse(readText('package.json'))
const packagesOf = (folder: string) =>
  entriesOf(at(JSON.parse(readText(`${folder}package-lock.json`)), 'packages'))
for (const folder of ['', 'test/interop/', 'tools/mutation/']) {
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
  // npm refuses a package that is not decided on.
  assert.match(readText('.npmrc'), /^strict-allow-scripts=true$/m)
  const decided = entriesOf(at(manifest, 'allowScripts'))
  assert.deepEqual(decided.map(([name]) => name).sort(), [...new Set(withScript)].sort())
  assert.deepEqual(
    decided.filter(([, allows]) => allows !== false).map(([name]) => name),
    ['esbuild', 'node'],
  )
})

test('workflows, documents and .ci/run install from the lock file only', () => {
  const workflows = namesIn('.github/workflows').map((name) => `.github/workflows/${name}`)
  for (const file of [...workflows, 'README.md', '.ci/run']) {
    assert.doesNotMatch(readText(file), /\bnpm (i|in|install|add|update|exec)\b/, file)
  }
})
