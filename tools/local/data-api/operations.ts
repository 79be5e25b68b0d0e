import type { QueryResult, Session } from './engine.ts'
import { DataApiError, toDataApiError } from './errors.ts'
import { toPositional } from './named-parameters.ts'
import { bindParameters, isObject, list } from './parameters.ts'
import { toColumnMetadata, toFormattedRecords, toRecords } from './records.ts'
import type { OpenSession } from './roles.ts'
import type { Transactions } from './transactions.ts'

/** Commands that change the session, which outside a transaction lasts for one call. */
const OF_THE_SESSION = /^(?:SET|RESET|PREPARE|LISTEN)\b/

type Input = Readonly<Record<string, unknown>>

/** One operation: the request's JSON in, the response's JSON out; rejects with a `DataApiError`. */
export type Operation = (input: unknown) => Promise<object>

/** The five operations by path. `databaseName` is the only database. */
export function createOperations(
  openSession: OpenSession,
  transactions: Transactions,
  databaseName: string,
): ReadonlyMap<string, Operation> {
  /** Runs `work` on the session of the request's transaction, or on a new one for this call. */
  async function withSession<T>(input: Input, work: (session: Session) => Promise<T>): Promise<T> {
    const id = optionalString(input, 'transactionId')
    if (id !== undefined) return transactions.use(id, work)
    const session = await openSession(requiredString(input, 'secretArn'))
    try {
      return await work(session)
    } finally {
      await session.release()
    }
  }

  async function execute(input: Input) {
    const { text, names } = statement(input)
    const values = bindParameters(names, input['parameters'])
    const result = await withSession(input, async (session) => {
      const outcome = await session.query(text, values)
      if (input['transactionId'] == null && OF_THE_SESSION.test(outcome.command)) {
        // On AWS the next call has another session. The time zone is the engine's.
        await session.query('DISCARD ALL')
        await session.query("SET TIME ZONE 'UTC'")
      }
      return outcome
    })
    return {
      generatedFields: [],
      numberOfRecordsUpdated: result.affectedRows,
      ...rows(input, result),
      // Clients recognise a write by the absence of rows and metadata, and then read its count.
      ...(input['includeResultMetadata'] === true &&
        result.columns.length > 0 && { columnMetadata: toColumnMetadata(result) }),
    }
  }

  async function batchExecute(input: Input) {
    const { text, names } = statement(input)
    const sets = list(input['parameterSets'] ?? [[]]).map((set) => bindParameters(names, set))
    await withSession(input, async (session) => {
      for (const values of sets) await session.query(text, values)
    })
    return { updateResults: sets.map(() => ({ generatedFields: [] })) }
  }

  async function begin(input: Input) {
    return { transactionId: await transactions.begin(requiredString(input, 'secretArn')) }
  }

  const end = (how: 'COMMIT' | 'ROLLBACK', transactionStatus: string) => async (input: Input) => {
    await transactions.end(requiredString(input, 'transactionId'), how)
    return { transactionStatus }
  }

  const operation =
    (run: (input: Input) => Promise<object>): Operation =>
    async (input) => {
      try {
        return await run(checkedInput(input, databaseName))
      } catch (error) {
        throw toDataApiError(error)
      }
    }

  return new Map<string, Operation>([
    ['/Execute', operation(execute)],
    ['/BatchExecute', operation(batchExecute)],
    ['/BeginTransaction', operation(begin)],
    ['/CommitTransaction', operation(end('COMMIT', 'Transaction Committed'))],
    ['/RollbackTransaction', operation(end('ROLLBACK', 'Rollback Complete'))],
  ])
}

function checkedInput(input: unknown, databaseName: string): Input {
  if (!isObject(input))
    throw new DataApiError('SerializationException', 'The body is not an object.')
  requiredString(input, 'resourceArn')
  requiredString(input, 'secretArn')
  if (optionalString(input, 'schema') !== undefined) {
    throw new DataApiError('ValidationException', "The schema parameter isn't supported")
  }
  const database = optionalString(input, 'database')
  if (database !== undefined && database !== databaseName) {
    throw new DataApiError(
      'DatabaseErrorException',
      `FATAL: database "${database}" does not exist; SQLState: 3D000`,
    )
  }
  return input
}

const statement = (input: Input) => toPositional(requiredString(input, 'sql'))

function rows(input: Input, result: QueryResult) {
  if (result.columns.length === 0) return {}
  // AWS formats the result of a SELECT only.
  return input['formatRecordsAs'] === 'JSON' && result.command === 'SELECT'
    ? { formattedRecords: toFormattedRecords(result) }
    : { records: toRecords(result) }
}

function optionalString(input: Input, key: string): string | undefined {
  const value = input[key]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw new DataApiError('SerializationException', `${key} is not a string.`)
}

function requiredString(input: Input, key: string): string {
  const value = optionalString(input, key)
  if (value) return value
  throw new DataApiError(
    'ValidationException',
    `1 validation error detected: Value null at '${key}' failed to satisfy constraint: Member must not be null`,
  )
}
