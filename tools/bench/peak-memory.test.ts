import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const SMALL = `
  import { peakMemory } from '${new URL('peak-memory.ts', import.meta.url)}'
  const large = Buffer.alloc(Number(process.argv[1]), 1)
  console.log(peakMemory(), large.length)`

function peakOf(bytes: number): number {
  const args = ['--input-type=module-typescript', '--eval', SMALL, String(bytes)]
  return Number(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout.split(' ')[0])
}

test('the peak is of the process itself: what it takes is in it, and what its parent takes is not', () => {
  const parents = Buffer.alloc(400e6, 1)
  const small = peakOf(1)
  assert.ok(small > 10e6 && small < parents.length, `${small}`)
  assert.ok(peakOf(100e6) > small + 80e6)
})
