import { ExecuteStatementCommand, type Field, RDSDataClient } from '@aws-sdk/client-rds-data'
import { runProgram, say } from '../command-line.ts'
import { LOCAL_DATABASE_NAME, openThisMachinesDatabase } from './database.ts'
import { clientOf } from './migrated-data-api.ts'

const USAGE = `Runs one SQL statement on this machine's database, that of the running npm start if there is one.

  npm run sql -- 'SELECT id, username FROM users'
`

function parse(args: string[]): string {
  const [sql, ...others] = args
  if (sql && others.length === 0) return sql
  throw new TypeError('Give one statement, in quotes.')
}

async function run(sql: string): Promise<void> {
  const { dataApi, close } = await openThisMachinesDatabase()
  const client = new RDSDataClient({ ...clientOf(dataApi), maxAttempts: 1 })
  try {
    const { columnMetadata, records, numberOfRecordsUpdated } = await client.send(
      new ExecuteStatementCommand({
        resourceArn: 'local',
        secretArn: 'local',
        database: LOCAL_DATABASE_NAME,
        sql,
        includeResultMetadata: true,
      }),
    )
    if (records === undefined) {
      say(`Rows written: ${numberOfRecordsUpdated}`)
      return
    }
    const names = columnMetadata?.map(({ name = '' }) => name) ?? []
    for (const line of toTable(names, records)) say(line)
    say(`(${records.length} ${records.length === 1 ? 'row' : 'rows'})`)
  } finally {
    client.destroy()
    await close()
  }
}

/** Lines of aligned columns. */
function toTable(names: readonly string[], records: readonly (readonly Field[])[]): string[] {
  const rows = records.map((fields) => fields.map(toText))
  const widths = names.map((name, i) =>
    Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join(' | ')
      .trimEnd()
  return [line(names), widths.map((width) => '-'.repeat(width)).join('-+-'), ...rows.map(line)]
}

/** The value of a Field. A null is empty, and a line break must not break the table. */
function toText(field: Field): string {
  const [value] = Object.values(field)
  if (field.isNull) return ''
  return typeof value === 'string' ? value.replaceAll(/\s/g, ' ') : JSON.stringify(value)
}

await runProgram({ usage: USAGE, failure: 'Nothing was done', parse, run })
