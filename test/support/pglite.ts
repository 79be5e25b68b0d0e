import { createHash } from 'node:crypto'
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import type { Engine } from '../../tools/local/data-api/engine.ts'
import { openPglite, pgliteEngine } from '../../tools/local/data-api/pglite-engine.ts'
import { migrateThroughDataApi } from '../../tools/local/migrated-data-api.ts'

const MODULES = new URL('../../node_modules/', import.meta.url)
const { version } = JSON.parse(
  readFileSync(new URL('@electric-sql/pglite/package.json', MODULES), 'utf8'),
)
const CACHE = new URL('.cache/latchkey/', MODULES)
const DUMP = new URL(`pglite-${version}.tar`, CACHE)
const MIGRATED = new URL(`pglite-${version}-${schemaDigest()}.tar`, CACHE)

/** Opens an empty embedded Postgres in memory, in half a second of CPU where creating one takes four. */
export async function openTestPglite(): Promise<Engine> {
  await preparePglite()
  return openPglite(undefined, readDump(DUMP))
}

/** Opens an embedded Postgres in memory that has the schema of this tree, in half of the time of migrating it. */
export async function openMigratedPglite(): Promise<Engine> {
  await preparePglite()
  return openPglite(undefined, readDump(MIGRATED))
}

/** Creates an empty and a migrated database, once per checkout and schema, and keeps only their dumps. */
export async function preparePglite(): Promise<void> {
  if (!existsSync(DUMP)) {
    const database = await PGlite.create()
    await keepDump(database, DUMP)
    await database.close()
  }
  if (existsSync(MIGRATED)) return
  const database = await PGlite.create({ loadDataDir: readDump(DUMP) })
  await migrateThroughDataApi(await pgliteEngine(database), 'latchkey', () => {})
  await keepDump(database, MIGRATED)
  await database.close()
}

/** Reads a dump whole: a file-backed Blob cannot be read once another process has replaced the file. */
const readDump = (file: URL) => new Blob([readFileSync(file)])

async function keepDump(database: PGlite, file: URL): Promise<void> {
  const dump = await database.dumpDataDir('none')
  mkdirSync(CACHE, { recursive: true })
  // Renamed, so that no other process reads half of it.
  const draft = new URL(`${file.href}.${process.pid}`)
  writeFileSync(draft, new Uint8Array(await dump.arrayBuffer()))
  renameSync(draft, file)
  // Another version's or schema's. A draft is not removed: its process may be about to rename it.
  for (const name of globSync('*.tar', { cwd: fileURLToPath(CACHE) })) {
    const other = new URL(name, CACHE)
    if (other.href !== DUMP.href && other.href !== MIGRATED.href) rmSync(other, { force: true })
  }
}

/** A digest of what makes the schema. */
function schemaDigest(): string {
  const root = new URL('../../', import.meta.url)
  const files = globSync(['migrations/*.sql', 'tools/database/*.ts', 'lib/accounts/usernames.ts'], {
    cwd: fileURLToPath(root),
  })
  const hash = createHash('sha256')
  for (const file of files.sort()) {
    if (!file.endsWith('.test.ts')) hash.update(readFileSync(new URL(file, root)))
  }
  return hash.digest('hex').slice(0, 16)
}
