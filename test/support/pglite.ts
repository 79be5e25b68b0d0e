import { existsSync, mkdirSync, openAsBlob, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import type { Engine } from '../../tools/local/data-api/engine.ts'
import { openPglite } from '../../tools/local/data-api/pglite-engine.ts'

const MODULES = new URL('../../node_modules/', import.meta.url)
const { version } = JSON.parse(
  readFileSync(new URL('@electric-sql/pglite/package.json', MODULES), 'utf8'),
)
const DUMP = new URL(`.cache/latchkey/pglite-${version}.tar`, MODULES)

/** Opens an empty embedded Postgres in memory, in half a second of CPU where creating one takes four. */
export async function openTestPglite(): Promise<Engine> {
  await preparePglite()
  return openPglite(undefined, await openAsBlob(DUMP))
}

/** Creates an empty database once a machine, and keeps its dump. */
export async function preparePglite(): Promise<void> {
  if (existsSync(DUMP)) return
  const database = await PGlite.create()
  const dump = await database.dumpDataDir('none')
  await database.close()
  mkdirSync(new URL('.', DUMP), { recursive: true })
  // Renamed, so that no other process reads half of it.
  const draft = new URL(`${DUMP.href}.${process.pid}`)
  writeFileSync(draft, new Uint8Array(await dump.arrayBuffer()))
  renameSync(draft, DUMP)
}
