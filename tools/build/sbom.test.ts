import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bundleFunction } from '../../test/support/bundled-function.ts'

/** Packages that the SBOM lists and the bundle does not hold: dependencies of dependencies. */
const NOT_BUNDLED = [
  '@aws-sdk/types',
  '@smithy/fetch-http-handler',
  '@zxcvbn-ts/dictionary-compression',
  'tslib',
]

test('the SBOM lists what the bundle holds, as installed, and otherwise only packages named here', async () => {
  const sbom = JSON.parse(execFileSync('npm', ['run', '--silent', 'sbom'], { encoding: 'utf8' }))
  const { name, type } = sbom.metadata.component
  assert.deepEqual([sbom.bomFormat, name, type], ['CycloneDX', 'latchkey', 'application'])
  const listed: string[] = sbom.components.map((component: { 'bom-ref': string; hashes: [] }) => {
    assert.ok(component.hashes.length > 0, component['bom-ref'])
    return component['bom-ref']
  })

  const { metafile } = await bundleFunction()
  const folders = Object.keys(metafile.inputs).flatMap(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  )
  // The common passwords are that package's.
  const bundled = new Set([...folders, 'node_modules/@zxcvbn-ts/language-common'])
  const installed = [...bundled].map((folder) => {
    const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
    return `${name}@${version}`
  })
  assert.ok(installed.some((id) => id.startsWith('@aws-sdk/client-rds-data@')))
  assert.deepEqual(
    installed.filter((id) => !listed.includes(id)),
    [],
  )
  const others = listed.filter((id) => !installed.includes(id))
  assert.deepEqual(others.map((id) => id.replace(/@[^@]+$/, '')).sort(), NOT_BUNDLED)
})
