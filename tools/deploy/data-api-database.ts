import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type Field,
  RDSDataClient,
  type RDSDataClientConfig,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data'

/** A row's values, as far as migrations read any. */
export type Row = readonly (string | number | boolean | null)[]

/** Runs one statement, with text for each `:name` in it. */
export type Execute = (
  sql: string,
  parameters?: Readonly<Record<string, string>>,
) => Promise<readonly Row[]>

/** What a migration needs of a database: the Data API's four operations, one statement a call. */
export interface Database {
  /** In the transaction of that id, or in one of its own. */
  execute(
    sql: string,
    parameters?: Readonly<Record<string, string>>,
    transactionId?: string,
  ): Promise<readonly Row[]>
  begin(): Promise<string>
  commit(transactionId: string): Promise<void>
  rollback(transactionId: string): Promise<void>
}

export interface DataApiDatabaseOptions {
  readonly client: RDSDataClientConfig
  readonly clusterArn: string
  /** The secret of the role that everything runs as. */
  readonly secretArn: string
  readonly databaseName: string
}

/** AWS ends a call after 45 s; the rest is the way there and back. */
const ANSWER_MILLISECONDS = 60_000

/**
 * A database behind the Data API, until `close`. Every operation rejects with the SDK's error, and is
 * sent once: the SDK would send a statement again after a lost answer, and `INSERT` twice.
 */
export function openDataApiDatabase(options: DataApiDatabaseOptions): Database & { close(): void } {
  const { clusterArn: resourceArn, secretArn, databaseName: database } = options
  const client = new RDSDataClient({ ...options.client, maxAttempts: 1 })
  const bounded = () => ({ abortSignal: AbortSignal.timeout(ANSWER_MILLISECONDS) })

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
      throw new TypeError('The Data API began a transaction and did not say which.')
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

/** The SQLSTATE of what Postgres refused, which the Data API puts at the end; else nothing. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof Error ? /.*SQLState:\s*(\w{5})/s.exec(error.message)?.[1] : undefined
}
