import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type Field,
  RDSDataClient,
  type RDSDataClientConfig,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data'

/** The values of a row. */
export type Row = readonly (string | number | boolean | null)[]

/** Runs one statement with a text for each `:name` in it. */
export type Execute = (
  sql: string,
  parameters?: Readonly<Record<string, string>>,
) => Promise<readonly Row[]>

/** The Data API's operations that migrations need, one statement per call. */
export interface Database {
  /** Runs in the transaction with that id, or in one of its own. */
  execute(
    sql: string,
    parameters?: Readonly<Record<string, string>>,
    transactionId?: string,
  ): Promise<readonly Row[]>
  begin(): Promise<string>
  commit(transactionId: string): Promise<void>
  rollback(transactionId: string): Promise<void>
}

/** A database's address and credentials. */
interface DataApiDatabaseOptions {
  readonly client: RDSDataClientConfig
  readonly clusterArn: string
  /** The secret of the role that everything runs as. */
  readonly secretArn: string
  readonly databaseName: string
}

/** AWS ends a call after 45 s; the rest is for the network. */
const CALL_MILLISECONDS = 60_000

/**
 * A database behind the Data API, until `close`. Every operation rejects with the SDK's error and is sent
 * once: after a lost response the SDK's own retry could run a statement twice.
 */
export function openDataApiDatabase(options: DataApiDatabaseOptions): Database & { close(): void } {
  const { clusterArn: resourceArn, secretArn, databaseName: database } = options
  const client = new RDSDataClient({ ...options.client, maxAttempts: 1 })
  const bounded = () => ({ abortSignal: AbortSignal.timeout(CALL_MILLISECONDS) })

  return {
    async execute(sql, parameters = {}, transactionId) {
      const { records = [] } = await client.send(
        new ExecuteStatementCommand({
          resourceArn,
          secretArn,
          database,
          sql,
          parameters: Object.entries(parameters).map(([name, stringValue]) => ({
            name,
            value: { stringValue },
          })),
          ...(transactionId !== undefined && { transactionId }),
        }),
        bounded(),
      )
      return records.map((fields) => fields.map(plainValue))
    },
    async begin() {
      const command = new BeginTransactionCommand({ resourceArn, secretArn, database })
      const { transactionId } = await client.send(command, bounded())
      if (transactionId) return transactionId
      throw new TypeError("The Data API's response has no transaction id.")
    },
    async commit(transactionId) {
      const command = new CommitTransactionCommand({ resourceArn, secretArn, transactionId })
      await client.send(command, bounded())
    },
    async rollback(transactionId) {
      const command = new RollbackTransactionCommand({ resourceArn, secretArn, transactionId })
      await client.send(command, bounded())
    },
    close: () => client.destroy(),
  }
}

const plainValue = ({ stringValue, longValue, booleanValue }: Field) =>
  stringValue ?? longValue ?? booleanValue ?? null
