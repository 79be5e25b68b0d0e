import { parseFaultPlan } from './data-api/fault-plan.ts'
import { FAULTS_PATH } from './data-api/server.ts'
import type { LocalDatabase } from './database.ts'

/** The plan that `DATA_API_FAULTS` holds, empty without it. Throws if a word is wrong. */
export function readPlannedFaults(value = ''): string {
  const parsed = parseFaultPlan(value)
  if (parsed.ok) return value.trim()
  throw new Error(`DATA_API_FAULTS is wrong: ${parsed.problem}`)
}

/**
 * Tells the database's local Data API, which may be another process's, what its next calls meet. Closing
 * takes back what is left by then, since a database that is borrowed goes on without us.
 */
export async function planFaults(database: LocalDatabase, plan: string): Promise<LocalDatabase> {
  await put(database.dataApiUrl, plan)
  return {
    ...database,
    async close() {
      // Its owner may have ended before us.
      await put(database.dataApiUrl, '').catch(() => {})
      await database.close()
    },
  }
}

async function put(dataApiUrl: string, plan: string): Promise<void> {
  const response = await fetch(`${dataApiUrl}${FAULTS_PATH}`, { method: 'PUT', body: plan })
  if (response.ok) return
  throw new Error(`The local Data API refuses the faults: ${await response.text()}`)
}
