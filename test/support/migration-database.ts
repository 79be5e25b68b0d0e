import type { TestContext } from 'node:test'
import { openDatabaseAt } from '../../tools/local/migrated-data-api.ts'
import { ACCESS_KEY_ID } from './data-api-script.ts'

/** Opens a database for migrations through the Data API at `url`, until the test `t` ends. */
export function migrationDatabase(t: TestContext, url: string) {
  const database = openDatabaseAt({ url, accessKeyId: ACCESS_KEY_ID }, 'latchkey')
  t.after(() => database.close())
  return database
}
