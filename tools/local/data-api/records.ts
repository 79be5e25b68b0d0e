import type { Column, QueryResult } from './engine.ts'
import { DataApiError } from './errors.ts'
import { toJson } from './json.ts'
import { typeOf, UNSUPPORTED_RESULT } from './types.ts'

/** The JSON of one member of the Data API's Field union. */
type FieldJson = Readonly<Record<string, Value | Readonly<Record<string, Value>>>>

/** A scalar, or the elements of an array. */
type Value = Scalar | readonly (Scalar | null)[]

type Scalar = bigint | boolean | number | string

/** AWS returns at most 1 MiB of records, and 64 KiB per row, counted as Postgres sends them. */
const RESULT_MAX_BYTES = 1024 * 1024
const ROW_MAX_BYTES = 64 * 1024

/** A result's rows as the Data API's `records`. */
export function toRecords(result: QueryResult): FieldJson[][] {
  assertSupported(result)
  return result.rows.map((row) => row.map((text, index) => toField(text, result.columns[index])))
}

/** A result's rows as `formatRecordsAs: JSON` returns them: the text of a list of objects. */
export function toFormattedRecords(result: QueryResult): string {
  assertSupported(result)
  const objects = result.rows.map((row) =>
    Object.fromEntries(
      row.map((text, index) => {
        const column = result.columns[index]
        return [column?.name ?? '', text === null ? null : toValue(text, column?.typeOid)]
      }),
    ),
  )
  return toJson(objects)
}

/** The part of AWS's column metadata that the wire protocol has: name and type. */
export function toColumnMetadata({ columns }: QueryResult) {
  return columns.map(({ name, typeOid }) => {
    const { name: typeName, jdbcType } = typeOf(typeOid)
    return { name, label: name, typeName, type: jdbcType }
  })
}

function toField(text: string | null, column: Column | undefined): FieldJson {
  if (text === null) return { isNull: true }
  const { kind, elementOid } = typeOf(column?.typeOid ?? 0)
  const value = toValue(text, column?.typeOid)
  // Its members are stringValues, longValues, doubleValues and booleanValues.
  return elementOid === undefined ? { [kind]: value } : { arrayValue: { [`${kind}s`]: value } }
}

function toValue(text: string, typeOid = 0): Value {
  const { elementOid } = typeOf(typeOid)
  if (elementOid === undefined) return toScalar(text, typeOid)
  return arrayElements(text).map((element) =>
    element === null ? null : toScalar(element, elementOid),
  )
}

function toScalar(text: string, typeOid: number): Scalar {
  const { name, kind } = typeOf(typeOid)
  if (kind === 'booleanValue') return text === 't'
  if (kind === 'longValue') return BigInt(text)
  // NaN and the infinities are strings in restJson1, and Postgres spells them as it does.
  if (kind === 'doubleValue') return Number.isFinite(Number(text)) ? Number(text) : text
  // Postgres writes bytea as \x and two hexadecimal digits per byte.
  if (kind === 'blobValue') return Buffer.from(text.slice(2), 'hex').toString('base64')
  // The Data API leaves out the offset: the session's time zone is UTC.
  return name === 'timestamptz' ? text.replace(/\+00$/, '') : text
}

/**
 * The elements of an array of one dimension: `{a,"b c",NULL}`, with a backslash before `"` and itself in quotes.
 * Throws AWS's error for more dimensions, and for bounds that Postgres writes before the brace.
 */
function arrayElements(text: string): (string | null)[] {
  if (/^(?:\[|\{\{)/.test(text)) {
    throw new DataApiError(
      'UnsupportedResultException',
      'The result contains the unsupported data type: an array of more than one dimension.',
    )
  }
  const elements = text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|[^,]+/gs)
  return Array.from(elements, ([bare, quoted]) => {
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/gs, '$1')
    return bare === 'NULL' ? null : bare
  })
}

function assertSupported({ columns, rows }: QueryResult): void {
  for (const { typeOid } of columns) {
    const unsupported = UNSUPPORTED_RESULT.get(typeOid)
    if (unsupported !== undefined) {
      throw new DataApiError(
        'UnsupportedResultException',
        `The result contains the unsupported data type ${unsupported}.`,
      )
    }
  }
  // The wire protocol adds two bytes per row and four per value to the values' text.
  let bytes = 0
  for (const row of rows) {
    let rowBytes = 2 + 4 * columns.length
    for (const text of row) rowBytes += Buffer.byteLength(text ?? '')
    if (rowBytes > ROW_MAX_BYTES) {
      throw new DataApiError('UnsupportedResultException', 'A row exceeds the size limit 64 KB.')
    }
    bytes += rowBytes
  }
  if (bytes > RESULT_MAX_BYTES) {
    throw new DataApiError('UnsupportedResultException', 'The result exceeds the size limit 1 MB.')
  }
}
