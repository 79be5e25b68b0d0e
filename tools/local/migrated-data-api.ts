import { openDataApiDatabase } from '../database/data-api-database.ts'
import { migrate } from '../database/schema.ts'
import type { Engine } from './data-api/engine.ts'
import { type DataApiServer, serveDataApi } from './data-api/server.ts'

/**
 * Serves `engine` as a local Data API, and migrates it through that, as `npm run migrate` does on AWS. The
 * server's `close` also closes the engine; if the migration fails, both are closed.
 */
export async function serveMigrated(
  engine: Engine,
  databaseName: string,
  say: (line: string) => void,
): Promise<DataApiServer> {
  let server: DataApiServer | undefined
  const close = async () => {
    try {
      await server?.close()
    } finally {
      await engine.close()
    }
  }
  try {
    server = await serveDataApi(engine, databaseName)
    await migrateThrough(server.url, databaseName, say)
    return { ...server, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function migrateThrough(url: string, databaseName: string, say: (line: string) => void) {
  const database = openDatabaseAt(url, databaseName)
  try {
    await migrate(database, { say })
  } finally {
    database.close()
  }
}

/** The client's configuration but the endpoint: a local Data API takes any credentials. */
export const LOCAL_CLIENT = {
  region: 'eu-central-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
} as const

/** The database behind the local Data API at `url`, which takes any credentials and ARNs. */
export const openDatabaseAt = (url: string, databaseName: string) =>
  openDataApiDatabase({
    client: { ...LOCAL_CLIENT, endpoint: url },
    clusterArn: 'local',
    secretArn: 'local',
    databaseName,
  })
