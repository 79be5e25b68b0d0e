import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Execute } from './data-api-database.ts'
import type { Waiting } from './resuming.ts'

/** Any number that every migrating process shares. */
const TRY_LOCK = 'SELECT pg_try_advisory_xact_lock(7202611)'

/**
 * Longer than the three minutes after which AWS rolls back what a killed pipeline left open. The lock is
 * polled, since a call of the Data API may last 45 s at most.
 */
const LOCK_MILLISECONDS = 300_000
const LOCK_PAUSE_MILLISECONDS = 500

/** COMMIT failed or its response was lost, so the transaction may or may not be committed. */
export class UncertainCommit extends Error {
  override name = 'UncertainCommit'
}

/**
 * Runs `work` in a transaction that holds the migration lock, and commits. Rejects with the error of `work`,
 * after a rollback, or with `UncertainCommit`. The next holder of the lock sees for certain whether this
 * transaction was committed.
 */
export async function inLockedTransaction<T>(
  database: Database,
  waiting: Waiting,
  work: (execute: Execute) => Promise<T>,
): Promise<T> {
  const id = await database.begin()
  try {
    const execute: Execute = (sql, parameters) => database.execute(sql, parameters, id)
    await lock(execute, waiting)
    const result = await work(execute)
    await database.commit(id).catch(refuseCommit)
    return result
  } catch (error) {
    // This fails if the transaction has ended or the network is down; the first error says more.
    await database.rollback(id).catch(() => {})
    throw error
  }
}

function refuseCommit(cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new UncertainCommit(
    `COMMIT failed (${reason}), or its response was lost. Run it again: nothing is applied twice.`,
    { cause },
  )
}

async function lock(execute: Execute, { say = () => {}, wait = sleep }: Waiting): Promise<void> {
  for (let waited = 0; waited < LOCK_MILLISECONDS; waited += LOCK_PAUSE_MILLISECONDS) {
    const [row] = await execute(TRY_LOCK)
    if (row?.[0] === true) return
    if (waited === 0) say('Waiting for another process that migrates this database')
    await wait(LOCK_PAUSE_MILLISECONDS)
  }
  throw new Error('Another process has been migrating this database for five minutes.')
}
