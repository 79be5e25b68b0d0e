import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, entriesOf, readText } from '../support/yaml.ts'

for (const folder of ['', 'test/interop/', 'tools/mutation/']) {
  test(`every package of ${folder}package-lock.json has its SHA-512, and comes from the registry`, () => {
    const lock: unknown = JSON.parse(readText(`${folder}package-lock.json`))
    const [, ...packages] = entriesOf(at(lock, 'packages'))
    assert.ok(packages.length > 100)
    for (const [path, entry] of packages) {
      assert.match(String(at(entry, 'integrity')), /^sha512-[\w+/]{86}==$/, path)
      for (const elsewhere of ['resolved', 'link', 'inBundle']) {
        assert.equal(at(entry, elsewhere), undefined, `${path}: ${elsewhere}`)
      }
    }
  })
}

test('two packages may run their install scripts, and npm rejects one without a decision', () => {
  assert.match(readText('.npmrc'), /^strict-allow-scripts=true$/m)
  const decided = entriesOf(at(JSON.parse(readText('package.json')), 'allowScripts'))
  assert.deepEqual(
    decided.filter(([, allows]) => allows !== false).map(([name]) => name),
    ['esbuild', 'node'],
  )
})
