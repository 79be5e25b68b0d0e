import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bundleFunction } from '../../test/support/bundled-function.ts'
import { at, entriesOf, itemsOf, readText } from '../../test/support/yaml.ts'
import { makeSbom, withoutDevelopment } from './sbom.ts'

const text = makeSbom()
const sbom: unknown = JSON.parse(text)
const listed = itemsOf(at(sbom, 'components')).map((component) => ({
  id: String(at(component, 'bom-ref')),
  hash: String(at(component, 'hashes', 0, 'content')),
}))

test('it is a CycloneDX document of this service, and the same each time', () => {
  assert.equal(at(sbom, 'bomFormat'), 'CycloneDX')
  const { name, version, type, purl } = Object(at(sbom, 'metadata', 'component'))
  assert.equal(name, 'latchkey')
  assert.equal(type, 'application')
  assert.equal(purl, `pkg:npm/latchkey@${version}`)
  assert.equal(makeSbom(), text)
})

test('every package that the bundle takes code from is listed, as it is installed', async () => {
  const { metafile } = await bundleFunction()
  const folders = Object.keys(metafile.inputs).flatMap(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  )
  const bundled = [...new Set(folders)].map((folder) => {
    const manifest: unknown = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
    return `${at(manifest, 'name')}@${at(manifest, 'version')}`
  })
  assert.ok(bundled.some((id) => id.startsWith('jose@')))
  const ids = listed.map(({ id }) => id)
  assert.deepEqual(
    bundled.filter((id) => !ids.includes(id)),
    [],
  )
})

test('it lists what the lock file has for the running service, with its checksums, and nothing else', () => {
  const packages = entriesOf(at(JSON.parse(readText('package-lock.json')), 'packages'))
  const runtime = packages
    .filter(([path, entry]) => path !== '' && at(entry, 'dev') !== true)
    .map(([path, entry]) => ({
      id: `${path.replace(/^.*node_modules\//, '')}@${at(entry, 'version')}`,
      hash: Buffer.from(String(at(entry, 'integrity')).slice(7), 'base64').toString('hex'),
    }))
  const inOrder = (items: typeof listed) => items.map(({ id, hash }) => `${id} ${hash}`).toSorted()
  assert.deepEqual(inOrder(listed), inOrder(runtime))
})

test('what only development needs goes, and what both need stays', () => {
  const shared = { version: '1.0.0', dependencies: { deep: '^1.0.0' } }
  const lock = {
    name: 'latchkey',
    packages: {
      '': { dependencies: { shared: '^1.0.0' }, devDependencies: { tool: '^1.0.0' } },
      'node_modules/shared': shared,
      'node_modules/tool': { version: '1.0.0', dev: true },
      'node_modules/either': { version: '1.0.0', devOptional: true },
    },
  }
  assert.deepEqual(withoutDevelopment(lock), {
    name: 'latchkey',
    packages: { '': { dependencies: { shared: '^1.0.0' } }, 'node_modules/shared': shared },
  })
})

test('npm run --silent sbom prints it', () => {
  const run = spawnSync('npm', ['run', '--silent', 'sbom'], { encoding: 'utf8' })
  assert.deepEqual({ status: run.status, text: run.stdout }, { status: 0, text })
})
