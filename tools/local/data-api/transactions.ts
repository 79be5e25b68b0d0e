import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from './engine.ts'
import { DataApiError } from './errors.ts'
import type { OpenSession } from './roles.ts'

/** AWS rolls back a transaction that no call has used for three minutes. */
const IDLE_MILLISECONDS = 3 * 60 * 1000

/**
 * Travel time of a call to AWS, or less. PGlite blocks this process while it works, so without a delay two
 * concurrent calls would be served one after the other, and the mistake would first show on AWS.
 */
const TRAVEL_MILLISECONDS = 5

interface Transaction {
  readonly session: Session
  /** The call that uses it now; never rejects. */
  running: Promise<unknown> | undefined
  idle: NodeJS.Timeout
}

/** The return type of {@link createTransactions}. */
export type Transactions = ReturnType<typeof createTransactions>

/** The open transactions of one local Data API, each on a session of its own. */
export function createTransactions(openSession: OpenSession) {
  const open = new Map<string, Transaction>()
  let closing = false

  const idleTimer = (id: string) =>
    setTimeout(() => void end(id, 'ROLLBACK').catch(() => {}), IDLE_MILLISECONDS).unref()

  /** Begins a transaction with the role of that secret, and returns its id. */
  async function begin(secretArn: string): Promise<string> {
    const session = await openSession(secretArn)
    try {
      if (closing) throw new DataApiError('InternalServerErrorException', 'Shutting down.')
      await session.query('BEGIN')
    } catch (error) {
      await session.release()
      throw error
    }
    const id = randomUUID()
    open.set(id, { session, running: undefined, idle: idleTimer(id) })
    // Closed while BEGIN was under way.
    if (closing) await close()
    return id
  }

  /** Runs `work` on the transaction's session. Concurrent calls in one transaction are an error. */
  async function use<T>(id: string, work: (session: Session) => Promise<T>): Promise<T> {
    const transaction = open.get(id)
    if (transaction === undefined) {
      throw new DataApiError('TransactionNotFoundException', `Transaction ${id} is not found`)
    }
    if (transaction.running !== undefined) {
      throw new DataApiError('DatabaseErrorException', 'Transaction is still running a query')
    }
    clearTimeout(transaction.idle)
    const call = sleep(TRAVEL_MILLISECONDS)
      .then(() => work(transaction.session))
      .finally(() => {
        transaction.running = undefined
        if (open.has(id)) transaction.idle = idleTimer(id)
      })
    transaction.running = call.catch(() => {})
    return call
  }

  /**
   * Ends a transaction and releases its session, whatever Postgres responds. Rejects if a statement has failed in
   * it: Postgres then rolls back on COMMIT too, without an error.
   */
  function end(id: string, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    return use(id, async (session) => {
      try {
        const { command } = await session.query(how)
        if (command !== how) {
          throw new DataApiError(
            'DatabaseErrorException',
            'ERROR: current transaction is aborted, commands ignored until end of transaction block; SQLState: 25P02',
          )
        }
      } finally {
        open.delete(id)
        await session.release()
      }
    })
  }

  /** Rolls back every open transaction, after the call under way in it, and begins no other. */
  async function close(): Promise<void> {
    closing = true
    await Promise.all(
      Array.from(open.keys(), async (id) => {
        while (open.has(id)) {
          await open.get(id)?.running
          await end(id, 'ROLLBACK').catch(() => {})
        }
      }),
    )
  }

  return { begin, use, end, close }
}
