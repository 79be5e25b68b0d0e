import type { Database, Execute } from './data-api-database.ts'
import type { Patience } from './patience.ts'

/** Any number, as long as every process that migrates takes the same. */
const TRY_LOCK = 'SELECT pg_try_advisory_xact_lock(7202611)'

/**
 * Longer than the three minutes after which AWS rolls back what a killed pipeline left open. The lock is
 * asked for and not waited for, since a call to the Data API may last no longer than 45 s.
 */
const LOCK_MILLISECONDS = 300_000
const LOCK_PAUSE_MILLISECONDS = 500

/** COMMIT was sent and did not succeed, or its answer was lost: either may have come of it. */
export class UncertainCommit extends Error {
  override name = 'UncertainCommit'
}

/**
 * Does `work` in a transaction that no other of its kind in this database runs beside, and commits.
 * Rejects with what `work` rejected with, after a rollback, or with `UncertainCommit`. The next one gets
 * the lock only when this one has ended, so it sees for certain what has come of it.
 */
export async function inLockedTransaction<T>(
  database: Database,
  patience: Patience,
  work: (execute: Execute) => Promise<T>,
): Promise<T> {
  const id = await database.begin()
  try {
    const execute: Execute = (sql, parameters) => database.execute(sql, parameters, id)
    await lock(execute, patience)
    const result = await work(execute)
    await database.commit(id).catch(refuseCommit)
    return result
  } catch (error) {
    // It fails if the transaction has ended or the network is down; the error before it says more.
    await database.rollback(id).catch(() => {})
    throw error
  }
}

function refuseCommit(cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new UncertainCommit(
    `COMMIT did not succeed (${reason}), or its answer was lost. Run it again: what is done is not done twice.`,
    { cause },
  )
}

async function lock(execute: Execute, { say, wait }: Patience): Promise<void> {
  for (let waited = 0; waited < LOCK_MILLISECONDS; waited += LOCK_PAUSE_MILLISECONDS) {
    const [row] = await execute(TRY_LOCK)
    if (row?.[0] === true) return
    if (waited === 0) say('Waiting for another process that migrates this database')
    await wait(LOCK_PAUSE_MILLISECONDS)
  }
  throw new Error('Another process has been migrating this database for five minutes.')
}
