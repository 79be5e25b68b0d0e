import type { Column, QueryResult } from './engine.ts'
import { DataApiError } from './errors.ts'
import { typeOf } from './types.ts'

/** The JSON of one member of the Data API's Field union. */
type FieldJson = Readonly<Record<string, boolean | number | string>>

/** AWS answers at most 1 MiB of records. */
const RESPONSE_MAX_BYTES = 1024 * 1024

/** A result's rows as the Data API's `records`. */
export function toRecords({ columns, rows }: QueryResult): FieldJson[][] {
  return bounded(rows.map((row) => row.map((text, index) => toField(text, columns[index]))))
}

/** A result's rows as `formatRecordsAs: JSON` answers them: the text of a list of objects. */
export function toFormattedRecords({ columns, rows }: QueryResult): string {
  const objects = rows.map((row) =>
    Object.fromEntries(
      row.map((text, index) => {
        const column = columns[index]
        return [column?.name ?? '', text === null ? null : toValue(text, column)]
      }),
    ),
  )
  return JSON.stringify(bounded(objects))
}

/** The part of AWS's column metadata that the wire protocol tells: name and type. */
export function toColumnMetadata({ columns }: QueryResult) {
  return columns.map(({ name, typeOid }) => {
    const { name: typeName, jdbcType } = typeOf(typeOid)
    return { name, label: name, typeName, type: jdbcType }
  })
}

function toField(text: string | null, column: Column | undefined): FieldJson {
  if (text === null) return { isNull: true }
  return { [typeOf(column?.typeOid ?? 0).kind]: toValue(text, column) }
}

function toValue(text: string, column: Column | undefined): boolean | number | string {
  const { name, kind } = typeOf(column?.typeOid ?? 0)
  if (kind === 'booleanValue') return text === 't'
  if (kind === 'longValue' || kind === 'doubleValue') return Number(text)
  // Postgres writes bytea as \x and two hexadecimal digits a byte.
  if (kind === 'blobValue') return Buffer.from(text.slice(2), 'hex').toString('base64')
  // The Data API leaves out the offset: the session's time zone is UTC.
  return name === 'timestamptz' ? text.replace(/\+00$/, '') : text
}

function bounded<T>(records: T): T {
  if (Buffer.byteLength(JSON.stringify(records)) > RESPONSE_MAX_BYTES) {
    throw new DataApiError(
      'BadRequestException',
      'Database returned more than the allowed response size limit',
    )
  }
  return records
}
