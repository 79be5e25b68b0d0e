import { type Database, openDataApiDatabase } from './data-api-database.ts'
import type { StackOutputs } from './stack-outputs.ts'

/** A deployed stage's database as its master, who alone may migrate it and delete from it. */
export function openStageDatabase(
  { clusterArn, masterSecretArn, databaseName }: StackOutputs,
  region: string,
): Database {
  return openDataApiDatabase({
    client: { region },
    clusterArn,
    secretArn: masterSecretArn,
    databaseName,
  })
}
