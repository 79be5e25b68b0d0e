import {
  ExecuteStatementCommand,
  type ExecuteStatementCommandOutput,
  type Field,
  type RDSDataClient,
  type SqlParameter,
} from '@aws-sdk/client-rds-data'

/** The database, and the client to reach it with. */
interface DataApiOptions {
  /** Configured for one attempt per call: the caller retries. */
  readonly client: RDSDataClient
  readonly clusterArn: string
  readonly secretArn: string
  readonly databaseName: string
}

/** The value of each `:name` of a statement; `undefined` is null. */
export type Values = Readonly<Record<string, string | number | undefined>>

/** The first row of a statement's result, if it has one. */
export type Row = readonly Field[] | undefined

/**
 * Returns the function that runs one statement as one call of the Data API. It rejects with the SDK's error,
 * including when `signal` aborts, or with an `EmptyResponse`.
 */
export function createExecute({ client, clusterArn, secretArn, databaseName }: DataApiOptions) {
  return async (sql: string, values: Values, signal: AbortSignal): Promise<Row> => {
    const command = new ExecuteStatementCommand({
      resourceArn: clusterArn,
      secretArn,
      database: databaseName,
      sql,
      parameters: Object.entries(values).map(toParameter),
    })
    return firstRow(await client.send(command, { abortSignal: signal }))
  }
}

const toParameter = ([name, value]: [string, string | number | undefined]): SqlParameter => ({
  name,
  value:
    value === undefined
      ? { isNull: true }
      : typeof value === 'number'
        ? { longValue: value }
        : { stringValue: value },
})

/** A response without content, which does not show whether there is a row. */
class EmptyResponse extends Error {
  override name = 'EmptyResponse'
}

function firstRow({ records, numberOfRecordsUpdated }: ExecuteStatementCommandOutput): Row {
  if (records === undefined && numberOfRecordsUpdated === undefined) throw new EmptyResponse()
  return records?.[0]
}
