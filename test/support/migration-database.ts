import type { TestContext } from 'node:test'
import { openDataApiDatabase } from '../../tools/deploy/data-api-database.ts'

/** What migrations take for a database, behind the Data API at `url`, until the test `t` ends. */
export function migrationDatabase(t: TestContext, url: string) {
  const database = openDataApiDatabase({
    client: {
      endpoint: url,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    clusterArn: 'arn:aws:rds:eu-central-1:000000000000:cluster:test',
    secretArn: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:master',
    databaseName: 'latchkey',
  })
  t.after(() => database.close())
  return database
}
