import { setTimeout as sleep } from 'node:timers/promises'
import { aborted } from 'node:util'
import type { Database, Execute } from './data-api-database.ts'
import type { Waiting } from './resuming.ts'

/** Any number that every migrating process shares. */
const LOCK = 7202611

/**
 * Tries to take the lock, which is polled because AWS ends a call after 45 s. DDL waits for a table for 5 s, as
 * does every request behind it. A killed process holds its locks for 20 s, not for the three minutes after which
 * AWS rolls its transaction back.
 */
const TRY_LOCK = `SELECT pg_try_advisory_xact_lock(${LOCK}), pg_backend_pid(),
set_config('lock_timeout', '5s', true), set_config('idle_in_transaction_session_timeout', '20s', true)`

const LOCK_HOLDER = `SELECT state, CAST(extract(epoch FROM now() - xact_start) AS INTEGER), left(query, 80)
FROM pg_stat_activity JOIN pg_locks USING (pid)
WHERE locktype = 'advisory' AND objid = ${LOCK} AND granted`

const LOCK_MILLISECONDS = 300_000
const LOCK_PAUSE_MILLISECONDS = 500

/** Time limit of an interrupted process for cancelling the running statement. */
const CANCEL_MILLISECONDS = 2000

/** COMMIT failed or its response was lost, so the transaction may or may not be committed. */
export class UncertainCommit extends Error {
  override name = 'UncertainCommit'
}

/**
 * Runs `work` in a transaction that holds the migration lock, and commits. Rejects with the error of `work`,
 * or the reason of the signal, after a rollback, or with `UncertainCommit`. The next holder of the lock sees for
 * certain whether this transaction was committed.
 */
export async function inLockedTransaction<T>(
  database: Database,
  waiting: Waiting,
  work: (execute: Execute) => Promise<T>,
): Promise<T> {
  const { signal } = waiting
  signal?.throwIfAborted()
  const id = await database.begin()
  let backend = ''
  let isRunning = false
  try {
    const execute: Execute = async (sql, parameters) => {
      signal?.throwIfAborted()
      isRunning = true
      const result = await untilAborted(database.execute(sql, parameters, id), signal)
      isRunning = false
      return result
    }
    backend = await lock(execute, waiting)
    const result = await work(execute)
    await database.commit(id).catch(throwUncertain)
    return result
  } catch (error) {
    // A transaction cannot be rolled back while a statement runs in it.
    if (signal?.aborted && isRunning && backend) await cancel(database, backend)
    // This fails if the transaction is over or the network is down; the first error says more.
    await database.rollback(id).catch(() => {})
    throw error
  }
}

/** Settles as `call` does, or rejects as soon as the signal aborts. */
async function untilAborted<T>(call: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return call
  const abort = aborted(signal, call).then(() => Promise.reject(signal.reason))
  return Promise.race([call, abort])
}

async function cancel(database: Database, backend: string): Promise<void> {
  const sql = 'SELECT pg_cancel_backend(CAST(:backend AS INTEGER))'
  const cancelled = database.execute(sql, { backend }).catch(() => {})
  await Promise.race([cancelled, sleep(CANCEL_MILLISECONDS)])
}

function throwUncertain(cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new UncertainCommit(
    `COMMIT failed (${reason}), or its response was lost. Run it again: nothing is applied twice.`,
    { cause },
  )
}

/** Resolves with the id of the backend that has the lock. */
async function lock(execute: Execute, { say = () => {}, wait = sleep }: Waiting): Promise<string> {
  for (let waited = 0; waited < LOCK_MILLISECONDS; waited += LOCK_PAUSE_MILLISECONDS) {
    const [row] = await execute(TRY_LOCK)
    if (row?.[0] === true) return String(row[1])
    if (waited === 0) {
      const [holder] = await execute(LOCK_HOLDER)
      const what = holder === undefined ? '' : `: ${holder[0]}, since ${holder[1]} s: ${holder[2]}`
      say(`Waiting for another process that migrates this database${what}`)
    }
    await wait(LOCK_PAUSE_MILLISECONDS)
  }
  throw new Error('Another process has been migrating this database for five minutes.')
}
