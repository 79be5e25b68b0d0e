import type { Engine } from '../../tools/local/data-api/engine.ts'
import { serveMigrated } from '../../tools/local/migrated-data-api.ts'
import { DB_SECRET_ARN } from './handler.ts'

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
    say: () => {},
  })
  return {
    url,
    planFaults,
    async query(text: string, values: readonly string[] = []) {
      const session = await engine.session()
      try {
        const bound = values.map((value) => ({ typeOid: 25, value }))
        return (await session.query(text, bound)).rows
      } finally {
        await session.release()
      }
    },
    close,
  }
}
