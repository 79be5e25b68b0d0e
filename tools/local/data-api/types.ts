/** How the Data API carries a Postgres type: `kind` is the member of its Field union. */
export interface DataApiType {
  readonly name: string
  /** java.sql.Types, which is what the Data API reports as `type`. */
  readonly jdbcType: number
  readonly kind: 'booleanValue' | 'longValue' | 'doubleValue' | 'blobValue' | 'stringValue'
}

const type = (name: string, jdbcType: number, kind: DataApiType['kind'] = 'stringValue') => ({
  name,
  jdbcType,
  kind,
})

/** By OID (pg_type.dat); every other type travels as its text. */
const TYPES: ReadonlyMap<number, DataApiType> = new Map([
  [16, type('bool', -7, 'booleanValue')],
  [17, type('bytea', -2, 'blobValue')],
  [20, type('int8', -5, 'longValue')],
  [21, type('int2', 5, 'longValue')],
  [23, type('int4', 4, 'longValue')],
  [19, type('name', 12)],
  [25, type('text', 12)],
  [26, type('oid', -5, 'longValue')],
  [114, type('json', 1111)],
  [700, type('float4', 7, 'doubleValue')],
  [701, type('float8', 8, 'doubleValue')],
  [1042, type('bpchar', 1)],
  [1043, type('varchar', 12)],
  [1082, type('date', 91)],
  [1083, type('time', 92)],
  [1114, type('timestamp', 93)],
  [1184, type('timestamptz', 93)],
  [1700, type('numeric', 2)],
  [2950, type('uuid', 1111)],
  [3802, type('jsonb', 1111)],
])

const OTHER = type('other', 1111)

/**
 * By OID, what AWS refuses to return, as reported by its users. It does return arrays of one
 * dimension, as `arrayValue`; they are refused here because nothing needs them.
 */
export const UNSUPPORTED_RESULT: ReadonlyMap<number, string> = new Map([
  [18, '"CHAR"'],
  [142, 'XML'],
  [600, 'POINT'],
  [790, 'MONEY'],
  [1186, 'INTERVAL'],
  [1266, 'TIMETZ'],
  [2205, 'regclass'],
  [2206, 'regtype'],
  [1000, 'BOOL[]'],
  [1005, 'INT2[]'],
  [1007, 'INT4[]'],
  [1009, 'TEXT[]'],
  [1015, 'VARCHAR[]'],
  [1016, 'INT8[]'],
  [1022, 'FLOAT8[]'],
  [1185, 'TIMESTAMPTZ[]'],
  [1231, 'NUMERIC[]'],
  [2951, 'UUID[]'],
])

export const typeOf = (oid: number): DataApiType => TYPES.get(oid) ?? OTHER

/** The OID that each kind of parameter is bound as, whatever the column: AWS binds with types too. */
export const PARAMETER_OID = {
  booleanValue: 16,
  blobValue: 17,
  longValue: 20,
  doubleValue: 701,
  stringValue: 1043,
} as const

/** A `typeHint` binds a string as this type instead of varchar. */
export const TYPE_HINT_OID: ReadonlyMap<string, number> = new Map([
  ['DATE', 1082],
  ['DECIMAL', 1700],
  ['JSON', 114],
  ['TIME', 1083],
  ['TIMESTAMP', 1114],
  ['UUID', 2950],
])
