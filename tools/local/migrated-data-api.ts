import { openDataApiDatabase } from '../database/data-api-database.ts'
import { APP_ROLE, migrate } from '../database/schema.ts'
import type { Engine } from './data-api/engine.ts'
import { createRoles, obtainRole } from './data-api/roles.ts'
import { type DataApiServer, serveDataApi } from './data-api/server.ts'

/** How a migrated database is served. */
interface ServeOptions {
  /** The one database that the Data API knows. */
  readonly databaseName: string
  /** The function's `DB_SECRET_ARN`: its statements run as `latchkey_app`, those of any other ARN as the owner. */
  readonly appSecretArn: string | undefined
  /** Reports progress to the developer. */
  readonly say: (line: string) => void
}

/**
 * Migrates `engine` and serves it as a local Data API, whose `close` also closes the engine; if it fails, the
 * engine is closed.
 */
export async function serveMigrated(engine: Engine, options: ServeOptions): Promise<DataApiServer> {
  const { databaseName, appSecretArn, say } = options
  try {
    await migrateThroughDataApi(engine, databaseName, say)
    const openAs = await createRoles(engine)
    const reason = await obtainRole(openAs, APP_ROLE)
    if (reason !== undefined) {
      say(`Warning: missing GRANTs stay unnoticed here. The function runs as the owner: ${reason}`)
    }
    const appRole = reason === undefined ? APP_ROLE : undefined
    const server = await serveDataApi(
      (secretArn) => openAs(secretArn === appSecretArn ? appRole : undefined),
      databaseName,
    )
    const close = async () => {
      try {
        await server.close()
      } finally {
        await engine.close()
      }
    }
    return { ...server, close }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** Migrates `engine` as `npm run migrate` does on AWS: through a Data API. The engine stays open. */
export async function migrateThroughDataApi(
  engine: Engine,
  databaseName: string,
  say: (line: string) => void,
): Promise<void> {
  const server = await serveDataApi(engine.session, databaseName)
  const database = openDatabaseAt(server.url, databaseName)
  try {
    await migrate(database, { say })
  } finally {
    database.close()
    await server.close()
  }
}

/** The client's configuration but the endpoint: a local Data API takes any credentials. */
export const LOCAL_CLIENT = {
  region: 'eu-central-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
} as const

/** The database behind the local Data API at `url`, as its owner. */
export const openDatabaseAt = (url: string, databaseName: string) =>
  openDataApiDatabase({
    client: { ...LOCAL_CLIENT, endpoint: url },
    clusterArn: 'local',
    secretArn: 'local',
    databaseName,
  })
