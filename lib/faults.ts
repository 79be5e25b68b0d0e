import { SigningKeyError } from './signing-key.ts'

/** What the caller is told of a fault of ours: 500, or 503 where trying again can help. */
export type FaultReason =
  | 'internal_error'
  | 'database_resuming'
  | 'database_unavailable'
  | 'service_unavailable'
  | 'timed_out'

/** What the log is told: names and numbers, no message, since messages quote SQL, ARNs and values. */
export interface Fault {
  readonly reason: FaultReason
  readonly error: string
  /** The message of an error of our own, which quotes nothing. */
  readonly detail?: string
  /** What an error of our own was caused by. */
  readonly cause?: Readonly<Record<string, unknown>>
  /** A system error's code, such as `ECONNRESET`. */
  readonly errno?: string
  readonly httpStatus?: number
  /** Postgres's SQLSTATE, for its errors that reach us through the Data API. */
  readonly sqlState?: string
  /** The Data API's id of the request, which AWS support asks for. */
  readonly awsRequestId?: string
}

/** By error name: the Data API's classes (two of them not modelled by the SDK), the SDK's, middy's. */
const REASON_BY_NAME: Readonly<Record<string, FaultReason>> = {
  DatabaseResumingException: 'database_resuming',
  DatabaseUnavailableException: 'database_unavailable',
  ServiceUnavailableError: 'database_unavailable',
  InternalServerErrorException: 'database_unavailable',
  StatementTimeoutException: 'database_unavailable',
  ThrottlingException: 'database_unavailable',
  TooManyRequestsException: 'database_unavailable',
  TimeoutError: 'timed_out',
}

/** Connection, transaction roll-back, insufficient resources, operator (PostgreSQL, appendix A). */
const PASSING_SQL_STATE = /^(08|40|53|57)/

const NETWORK_ERRNO = /^(ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH)/

/** Sorts anything thrown into what the caller and the log may know of it. */
export function describeFault(thrown: unknown): Fault {
  return thrown instanceof SigningKeyError ? describeKeyFault(thrown) : describeForeign(thrown)
}

/** A key that cannot be read now may be read later; one that is wrong stays wrong. */
function describeKeyFault({ name, message, cause }: SigningKeyError): Fault {
  const described = { error: name, detail: message }
  if (cause === undefined) return { reason: 'internal_error', ...described }
  const { reason, ...signs } = describeForeign(cause)
  const lasts = reason === 'internal_error'
  return { reason: lasts ? reason : 'service_unavailable', ...described, cause: signs }
}

function describeForeign(thrown: unknown): Fault {
  const name = text(thrown, 'name') ?? typeof thrown
  const errno = text(thrown, 'code')
  // The last one: a message can quote a value, and the state comes at its end.
  const sqlState = text(thrown, 'message')?.match(/.*SQLState:\s*(\w{5})/s)?.[1]
  const metadata = property(thrown, '$metadata')
  const httpStatus = number(metadata, 'httpStatusCode')
  const awsRequestId = text(metadata, 'requestId')

  return {
    reason: reasonFor({ name, errno, sqlState, httpStatus }),
    error: name,
    ...(errno !== undefined && { errno }),
    ...(httpStatus !== undefined && { httpStatus }),
    ...(sqlState !== undefined && { sqlState }),
    ...(awsRequestId !== undefined && { awsRequestId }),
  }
}

interface Signs {
  readonly name: string
  readonly errno: string | undefined
  readonly sqlState: string | undefined
  readonly httpStatus: number | undefined
}

function reasonFor({ name, errno, sqlState, httpStatus }: Signs): FaultReason {
  // Before the name: the SDK calls a reset connection a TimeoutError too.
  if (errno !== undefined && NETWORK_ERRNO.test(errno)) return 'database_unavailable'
  const byName = Object.hasOwn(REASON_BY_NAME, name) ? REASON_BY_NAME[name] : undefined
  if (byName !== undefined) return byName
  const passing =
    (sqlState !== undefined && PASSING_SQL_STATE.test(sqlState)) ||
    // A proxy's HTML page arrives as a SyntaxError; its status still tells.
    (httpStatus !== undefined && (httpStatus >= 500 || httpStatus === 429))
  return passing ? 'database_unavailable' : 'internal_error'
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function text(value: unknown, key: string): string | undefined {
  const found = property(value, key)
  return typeof found === 'string' ? found : undefined
}

function number(value: unknown, key: string): number | undefined {
  const found = property(value, key)
  return typeof found === 'number' ? found : undefined
}
