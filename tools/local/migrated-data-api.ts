import { openDataApiDatabase } from '../database/data-api-database.ts'
import { APP_ROLE, migrate } from '../database/schema.ts'
import type { Engine } from './data-api/engine.ts'
import { createRoles, obtainRole } from './data-api/roles.ts'
import { type DataApiAddress, type DataApiServer, serveDataApi } from './data-api/server.ts'

/** How a migrated database is served. */
interface ServeOptions {
  /** The one database that the Data API knows. */
  readonly databaseName: string
  /** The function's `DB_SECRET_ARN`: its statements run as `latchkey_app`, those of any other ARN as the owner. */
  readonly appSecretArn: string | undefined
  /** Required in each call; by default a random one. */
  readonly accessKeyId?: string
  /** Reports progress to the developer. */
  readonly say: (line: string) => void
}

/**
 * Migrates `engine` and serves it as a local Data API, whose `close` also closes the engine; if it fails, the
 * engine is closed.
 */
export async function serveMigrated(engine: Engine, options: ServeOptions): Promise<DataApiServer> {
  const { databaseName, appSecretArn, accessKeyId, say } = options
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
      accessKeyId,
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
  const database = openDatabaseAt(server, databaseName)
  try {
    await migrate(database, { say })
  } finally {
    database.close()
    await server.close()
  }
}

/** The configuration of a client of that local Data API. */
export const clientOf = ({ url, accessKeyId }: DataApiAddress) => ({
  endpoint: url,
  region: 'eu-central-1',
  credentials: { accessKeyId, secretAccessKey: 'local' },
})

/** The database behind that local Data API, as its owner. */
export const openDatabaseAt = (dataApi: DataApiAddress, databaseName: string) =>
  openDataApiDatabase({
    client: clientOf(dataApi),
    clusterArn: 'local',
    secretArn: 'local',
    databaseName,
  })
