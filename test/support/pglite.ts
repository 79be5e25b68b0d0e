import { createHash } from 'node:crypto'
import {
  existsSync,
  globSync,
  mkdirSync,
  openAsBlob,
  readFileSync,
  renameSync,
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
const DUMP = new URL(`.cache/latchkey/pglite-${version}.tar`, MODULES)
const MIGRATED = new URL(`.cache/latchkey/pglite-${version}-${schemaDigest()}.tar`, MODULES)

/** Opens an empty embedded Postgres in memory, in half a second of CPU where creating one takes four. */
export async function openTestPglite(): Promise<Engine> {
  await preparePglite()
  return openPglite(undefined, await openAsBlob(DUMP))
}

/** Opens an embedded Postgres in memory that has the schema of this tree, in half of the time of migrating it. */
export async function openMigratedPglite(): Promise<Engine> {
  await preparePglite()
  return openPglite(undefined, await openAsBlob(MIGRATED))
}

/** Creates an empty and a migrated database once a machine and schema, and keeps their dumps. */
export async function preparePglite(): Promise<void> {
  if (!existsSync(DUMP)) {
    const database = await PGlite.create()
    await keepDump(database, DUMP)
    await database.close()
  }
  if (existsSync(MIGRATED)) return
  const database = await PGlite.create({ loadDataDir: await openAsBlob(DUMP) })
  await migrateThroughDataApi(await pgliteEngine(database), 'latchkey', () => {})
  await keepDump(database, MIGRATED)
  await database.close()
}

async function keepDump(database: PGlite, file: URL): Promise<void> {
  const dump = await database.dumpDataDir('none')
  mkdirSync(new URL('.', file), { recursive: true })
  // Renamed, so that no other process reads half of it.
  const draft = new URL(`${file.href}.${process.pid}`)
  writeFileSync(draft, new Uint8Array(await dump.arrayBuffer()))
  renameSync(draft, file)
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
