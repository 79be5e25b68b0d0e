/** The Data API's form of a Postgres type: `kind` is the member of its Field union. */
interface DataApiType {
  readonly name: string
  /** The value of java.sql.Types that the Data API reports as `type`. */
  readonly jdbcType: number
  readonly kind: 'booleanValue' | 'longValue' | 'doubleValue' | 'blobValue' | 'stringValue'
  /** The OID of an array's elements. */
  readonly elementOid?: number
}

const type = (name: string, jdbcType: number, kind: DataApiType['kind'] = 'stringValue') => ({
  name,
  jdbcType,
  kind,
})

/** By OID (pg_type.dat); arrays of them follow below, and every other type travels as its text. */
const SCALARS: readonly (readonly [oid: number, type: DataApiType, arrayOid?: number])[] = [
  [16, type('bool', -7, 'booleanValue'), 1000],
  [17, type('bytea', -2, 'blobValue')],
  [20, type('int8', -5, 'longValue'), 1016],
  [21, type('int2', 5, 'longValue'), 1005],
  [23, type('int4', 4, 'longValue'), 1007],
  [19, type('name', 12)],
  [25, type('text', 12), 1009],
  [26, type('oid', -5, 'longValue')],
  [114, type('json', 1111), 199],
  [700, type('float4', 7, 'doubleValue'), 1021],
  [701, type('float8', 8, 'doubleValue'), 1022],
  [1042, type('bpchar', 1), 1014],
  [1043, type('varchar', 12), 1015],
  [1082, type('date', 91), 1182],
  [1083, type('time', 92), 1183],
  [1114, type('timestamp', 93), 1115],
  [1184, type('timestamptz', 93), 1185],
  [1700, type('numeric', 2), 1231],
  [2950, type('uuid', 1111), 2951],
  [3802, type('jsonb', 1111), 3807],
]

/** java.sql.Types.ARRAY. Postgres names an array's type after its elements'. */
const arrayOf = (elementOid: number, { name, kind }: DataApiType): DataApiType => ({
  name: `_${name}`,
  jdbcType: 2003,
  kind,
  elementOid,
})

const TYPES: ReadonlyMap<number, DataApiType> = new Map(
  SCALARS.flatMap(([oid, scalar, arrayOid]) => [
    [oid, scalar],
    ...(arrayOid === undefined ? [] : [[arrayOid, arrayOf(oid, scalar)] as const]),
  ]),
)

const OTHER = type('other', 1111)

/** Types that AWS does not return, by OID, as reported by its users. An `arrayValue` cannot hold a bytea. */
export const UNSUPPORTED_RESULT: ReadonlyMap<number, string> = new Map([
  [18, '"CHAR"'],
  [142, 'XML'],
  [600, 'POINT'],
  [790, 'MONEY'],
  [1186, 'INTERVAL'],
  [1266, 'TIMETZ'],
  [2205, 'regclass'],
  [2206, 'regtype'],
  [1001, 'BYTEA[]'],
])

/** The Data API's form of the type with that OID. */
export const typeOf = (oid: number): DataApiType => TYPES.get(oid) ?? OTHER

/** The OID that each kind of parameter is bound as, whatever the column: AWS binds with types too. */
export const PARAMETER_OID = {
  booleanValue: 16,
  blobValue: 17,
  longValue: 20,
  doubleValue: 701,
  stringValue: 25,
} as const

/**
 * The type that each `typeHint` binds a string as, and the format that the string must have. AWS documents `YYYY-MM-DD HH:MM:SS[.FFF]` for a timestamp. Clients send six digits of a fraction too (str
 * of Python's datetime), so they are accepted; ISO 8601's `T`, `Z` and offsets are rejected.
 */
export const TYPE_HINTS = new Map<string, { readonly typeOid: number; readonly format?: RegExp }>([
  ['DATE', { typeOid: 1082, format: /^\d{4}-\d\d-\d\d$/ }],
  ['DECIMAL', { typeOid: 1700 }],
  ['JSON', { typeOid: 114 }],
  ['TIME', { typeOid: 1083, format: /^\d\d:\d\d:\d\d(?:\.\d{1,6})?$/ }],
  ['TIMESTAMP', { typeOid: 1114, format: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?$/ }],
  ['UUID', { typeOid: 2950 }],
])
