import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { COST, type Rig } from './rig.ts'

/** What the figures depend on, and what of it differs from AWS, in one sentence. */
export function describeMachine({ database }: Rig): string {
  const model = cpus()[0]?.model.replaceAll(/\s+/g, ' ').trim() || 'processor of unknown make'
  const memory = Math.round(totalmem() / 1024 ** 3)
  const parts = [
    `${model}, ${process.arch}, ${availableParallelism()} cores, ${memory} GB`,
    process.platform,
    `Node ${process.versions.node}`,
    database,
    `bcryptjs ${versionOf('bcryptjs')} at cost ${COST}`,
    'the local Data API over plain HTTP on loopback',
  ]
  return `${parts.join('; ')}.`
}

/** Says so if other processes leave the bench less than quiet cores; else `undefined`. */
export function describeLoad(): string | undefined {
  const [load = 0] = loadavg()
  if (load < availableParallelism() / 4) return undefined
  return `The machine is busy (load ${load.toFixed(1)}): the figures will be worse than in quiet`
}

function versionOf(name: string): string {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  const { version }: { readonly version: string } = JSON.parse(readFileSync(path, 'utf8'))
  return version
}
