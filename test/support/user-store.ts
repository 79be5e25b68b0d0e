import type { RDSDataClient } from '@aws-sdk/client-rds-data'
import { createExecute } from '../../lib/adapters/data-api.ts'
import { createUserStore } from '../../lib/adapters/user-store.ts'
import { DB_SECRET_ARN } from './handler.ts'

/**
 * Returns the functions that read and write users through `client`, without retries, by default as the function's
 * role.
 */
export function userStore(
  client: RDSDataClient,
  target = {
    resourceArn: 'arn:aws:rds:eu-central-1:000000000000:cluster:test',
    secretArn: DB_SECRET_ARN,
    database: 'latchkey',
  },
) {
  const execute = createExecute({
    client,
    clusterArn: target.resourceArn,
    secretArn: target.secretArn,
    databaseName: target.database,
  })
  const { signal } = new AbortController()
  return createUserStore((sql, values) => execute(sql, values, signal), {
    idleHours: 360,
    mostHours: 720,
  })
}
