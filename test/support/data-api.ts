import type { TestContext } from 'node:test'
import {
  ExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  type ExecuteStatementCommandOutput,
  type RDSDataClient,
  type SqlParameter,
} from '@aws-sdk/client-rds-data'
import type { Engine } from '../../tools/local/data-api/engine.ts'
import { connectPostgres } from '../../tools/local/data-api/postgres-engine.ts'
import { serveDataApi } from '../../tools/local/data-api/server.ts'
import { ACCESS_KEY_ID, createClient } from './data-api-script.ts'
import { openTestPglite } from './pglite.ts'
import { queryOnce } from './query-once.ts'
import { type CleanUps, NO_SERVER, temporaryDatabase } from './temporary-database.ts'

/** A local Data API over an empty database, and the unmodified SDK's client before it. */
interface DataApi {
  readonly engine: Engine
  readonly url: string
  /** Plans the faults of the next calls, such as `resuming:3 reset-after`. */
  planFaults(plan: string): void
  readonly client: RDSDataClient
  /** Asks the database itself; returns rows of text. */
  query(sql: string): Promise<readonly (readonly (string | null)[])[]>
  /** The ARNs and the database of every operation. */
  readonly target: typeof TARGET
  execute(
    sql: string,
    parameters?: SqlParameter[],
    more?: Partial<ExecuteStatementCommandInput>,
  ): Promise<ExecuteStatementCommandOutput>
}

const TARGET = {
  resourceArn: 'arn:aws:rds:eu-central-1:000000000000:cluster:test',
  secretArn: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:test',
  database: 'latchkey',
}

/** Serves `engine` until the test `t` ends, and closes it then. */
export async function startDataApi(t: CleanUps, engine: Engine): Promise<DataApi> {
  const server = await serveDataApi(engine.session, TARGET.database, ACCESS_KEY_ID)
  const client = createClient(t, server.url)
  t.after(async () => {
    await server.close()
    await engine.close()
  })
  return {
    engine,
    url: server.url,
    planFaults: server.planFaults,
    client,
    query: (sql) => queryOnce(engine, sql),
    target: TARGET,
    execute: (sql, parameters = [], more = {}) =>
      client.send(new ExecuteStatementCommand({ ...TARGET, sql, parameters, ...more })),
  }
}

/**
 * The engines that the Data API's tests run on: PGlite in memory, and the Postgres server at `DATABASE_URL`, in a
 * database of its own, where there is one.
 */
export const ENGINES = [
  {
    on: 'PGlite',
    skip: false,
    start: async (t: TestContext) => startDataApi(t, await openTestPglite()),
  },
  {
    on: 'a Postgres server',
    skip: NO_SERVER,
    start: async (t: TestContext) =>
      startDataApi(t, await connectPostgres(await temporaryDatabase(t))),
  },
] as const
