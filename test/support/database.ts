import type { Engine } from '../../tools/local/data-api/engine.ts'
import { serveMigrated } from '../../tools/local/migrated-data-api.ts'
import { ACCESS_KEY_ID } from './data-api-script.ts'
import { DB_SECRET_ARN } from './handler.ts'
import { queryOnce } from './query-once.ts'

/**
 * Migrates `engine`, here named `latchkey`, and serves it as a local Data API at `url`, where the handler under
 * test has the rights that it has on AWS. `query` asks the database itself as its owner, with values bound as
 * text, and returns rows of text; `planFaults` plans faults for the Data API's next calls (`reset-after:2`);
 * `close` ends it all.
 */
export async function serveDatabase(engine: Engine) {
  const { url, planFaults, close } = await serveMigrated(engine, {
    databaseName: 'latchkey',
    appSecretArn: DB_SECRET_ARN,
    accessKeyId: ACCESS_KEY_ID,
    say: () => {},
  })
  return {
    url,
    planFaults,
    query: (text: string, values: readonly string[] = []) =>
      queryOnce(
        engine,
        text,
        values.map((value) => ({ typeOid: 25, value })),
      ),
    close,
  }
}
