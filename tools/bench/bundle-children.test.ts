import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { bundleChildren } from './bundle-children.ts'

test('both floors load what a handler needs that calls AWS, bundled as they are', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/latchkey-floors-`)
  t.after(() => rmSync(folder, { recursive: true }))
  const { floor, floorWithHash } = await bundleChildren(folder)
  for (const path of [floor, floorWithHash]) {
    const script = `
      const { handler } = require(process.argv[1])
      const loads = (name) => process.moduleLoadList.includes('NativeModule ' + name)
      console.log(typeof handler, loads('https'), loads('crypto'))`
    const { stdout } = spawnSync(process.execPath, ['--eval', script, path], { encoding: 'utf8' })
    assert.equal(stdout, 'function true true\n')
  }
})
