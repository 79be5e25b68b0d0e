import { randomUUID } from 'node:crypto'
import type { Engine, Session } from './engine.ts'
import { DataApiError } from './errors.ts'

/** AWS rolls a transaction back that no call has used for three minutes. */
const IDLE_MILLISECONDS = 3 * 60 * 1000

interface Transaction {
  readonly session: Session
  busy: boolean
  idle: NodeJS.Timeout
}

/** The open transactions of one local Data API, each on a session of its own. */
export function createTransactions(engine: Engine) {
  const open = new Map<string, Transaction>()

  const idleTimer = (id: string) =>
    setTimeout(() => void end(id, 'ROLLBACK').catch(() => {}), IDLE_MILLISECONDS).unref()

  /** Begins a transaction and returns its id. */
  async function begin(): Promise<string> {
    const session = await engine.session()
    try {
      await session.query('BEGIN')
    } catch (error) {
      session.release()
      throw error
    }
    const id = randomUUID()
    open.set(id, { session, busy: false, idle: idleTimer(id) })
    return id
  }

  /** Runs `work` on the transaction's session. Two calls at once in one transaction are an error. */
  async function use<T>(id: string, work: (session: Session) => Promise<T>): Promise<T> {
    const transaction = open.get(id)
    if (transaction === undefined) {
      throw new DataApiError('TransactionNotFoundException', `Transaction ${id} is not found`)
    }
    if (transaction.busy) {
      throw new DataApiError('DatabaseErrorException', 'Transaction is still running a query')
    }
    transaction.busy = true
    clearTimeout(transaction.idle)
    try {
      return await work(transaction.session)
    } finally {
      transaction.busy = false
      if (open.has(id)) transaction.idle = idleTimer(id)
    }
  }

  /** Ends a transaction and frees its session, also where Postgres refuses the COMMIT. */
  function end(id: string, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    return use(id, async (session) => {
      try {
        await session.query(how)
      } finally {
        open.delete(id)
        session.release()
      }
    })
  }

  return { begin, use, end }
}
