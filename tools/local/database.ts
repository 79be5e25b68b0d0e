import { existsSync } from 'node:fs'
import { chmod, readdir, rm, writeFile } from 'node:fs/promises'
import { sqlStateOf } from '../../lib/faults/faults.ts'
import type { Engine } from './data-api/engine.ts'
import { openPglite } from './data-api/pglite-engine.ts'
import { connectPostgres } from './data-api/postgres-engine.ts'
import type { DataApiAddress } from './data-api/server.ts'
import { loadLocalEnvironment } from './environment.ts'
import { claimFolder } from './folder-lock.ts'
import { serveMigrated } from './migrated-data-api.ts'

/** The local database's name. `DB_NAME` does not change it, so a wrong name fails as on AWS. */
export const LOCAL_DATABASE_NAME = 'latchkey'

/** Options of {@link openLocalDatabase}. */
export interface LocalDatabaseOptions {
  /** The folder of the embedded database. */
  readonly folder: string
  /** A Postgres server to use instead of the embedded one: `postgres://…`. */
  readonly databaseUrl?: string | undefined
  /** The value of `DB_NAME`; the Data API rejects any other name. */
  readonly databaseName: string
  /** The value of `DB_SECRET_ARN`, whose statements run as `latchkey_app`; all others run as the owner. */
  readonly appSecretArn: string | undefined
  /** Lets other processes use the embedded database while this one runs. */
  readonly share: boolean
  /** Reports progress to the developer. */
  readonly say: (line: string) => void
}

/** A migrated database behind a local Data API. */
export interface LocalDatabase {
  readonly dataApi: DataApiAddress
  close(): Promise<void>
}

/** Opens the database that the options name, creates and migrates it as needed, and serves it. */
export async function openLocalDatabase(options: LocalDatabaseOptions): Promise<LocalDatabase> {
  const { databaseUrl, folder, share, say } = options
  if (databaseUrl) {
    return serve(await connect(databaseUrl), options)
  }

  const claim = await claimFolder(folder, (owner) =>
    say(`Waiting for ${owner}, which is using ${folder}`),
  )
  if (!claim.owned) {
    // A borrowed database ends with its owner, and an endpoint should not.
    if (share) throw new Error(`Another npm start is running on ${folder}. Stop it first.`)
    say('Using the database of the endpoint that is running')
    return { dataApi: claim.dataApi, close: async () => {} }
  }
  try {
    const database = await serve(await openEmbedded(folder, say), options)
    if (share) claim.publish(database.dataApi)
    return { ...database, close: () => database.close().finally(claim.release) }
  } catch (error) {
    claim.release()
    throw error
  }
}

/** Opens the database of `npm start` in this folder, or joins the running one, as the environment sets it. */
export async function openThisMachinesDatabase(): Promise<LocalDatabase> {
  loadLocalEnvironment({ envFile: '.env', localFolder: '.local' })
  return openLocalDatabase({
    folder: '.local',
    databaseUrl: process.env['DATABASE_URL'],
    databaseName: LOCAL_DATABASE_NAME,
    appSecretArn: process.env['DB_SECRET_ARN'],
    share: false,
    say: () => {},
  })
}

async function serve(engine: Engine, options: LocalDatabaseOptions): Promise<LocalDatabase> {
  const { url, accessKeyId, close } = await serveMigrated(engine, options).catch(
    (error: unknown) => {
      if (sqlStateOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
      throw new Error(
        `The user of DATABASE_URL has too few rights (${reason(error)}). It must own the database and may need CREATEROLE: ALTER DATABASE … OWNER TO …; ALTER ROLE … CREATEROLE`,
      )
    },
  )
  options.say(`Database ready: ${engine.description}`)
  return { dataApi: { url, accessKeyId }, close }
}

async function connect(databaseUrl: string): Promise<Engine> {
  try {
    return await connectPostgres(databaseUrl)
  } catch (error) {
    // The URL holds a password, so the message names the variable and not its value.
    throw new Error(
      `DATABASE_URL names a Postgres server that cannot be used: ${reason(error)}. ${remedyOf(error)} Or unset the variable to use the embedded database.`,
    )
  }
}

async function openEmbedded(folder: string, say: (line: string) => void): Promise<Engine> {
  const dataDir = `${folder}/postgres`
  // Written last, so that an interrupted creation starts over.
  const created = `${folder}/postgres.created`
  if (!existsSync(created)) {
    say(`Creating the database in ${dataDir}; this takes several seconds, once`)
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const engine = await openPglite(dataDir)
    await writeFile(created, '', { mode: 0o600 })
    // PGlite creates files that every user may write. The folder protects those that it creates later.
    await chmod(dataDir, 0o700)
    for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
      await chmod(`${entry.parentPath}/${entry.name}`, entry.isDirectory() ? 0o700 : 0o600)
    }
    return engine
  } catch (error) {
    throw new Error(
      `The database in ${dataDir} cannot be opened (${reason(error)}). Delete ${folder} to begin with an empty one.`,
    )
  }
}

const INSUFFICIENT_PRIVILEGE = '42501'

/** Remedies by Postgres's SQLSTATE; an error without a server's response has none. */
const REMEDIES: Readonly<Record<string, string>> = {
  '28000': 'Correct its user.',
  '28P01': 'Correct its password.',
  '3D000': 'Create the database (createdb NAME), or correct the name.',
  '42704': 'Leave out what follows the question mark: Postgres reads it as a setting.',
  '53300': 'Close other connections.',
}

const remedyOf = (error: unknown) =>
  REMEDIES[String(Object(error).code)] ?? 'Start it, or correct the URL.'

/** The code of an error, with Postgres's message. Other messages may quote a part of the URL. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code, severity } = Object(error)
  if (code === undefined) return error.message
  return severity === undefined ? String(code) : `${error.message} (${code})`
}
