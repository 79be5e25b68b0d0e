import { type FaultPolicy, type FaultReason, type FaultTraits, policyFor } from './fault-policy.ts'
import { LoggableError } from './loggable-error.ts'

/** The loggable part of a server error: names and numbers. No messages, since they quote SQL, ARNs and values. */
export interface Fault {
  readonly reason: FaultReason
  readonly error: string
  /** The message of a `LoggableError`. */
  readonly detail?: string
  /** The cause of a `LoggableError`. */
  readonly cause?: Readonly<Record<string, unknown>>
  /** A system error's code, such as `ECONNRESET`. */
  readonly errno?: string
  readonly httpStatus?: number
  /** Postgres's SQLSTATE, from the Data API's message. */
  readonly sqlState?: string
  /** AWS's id of the failed call, which AWS support asks for. */
  readonly awsRequestId?: string
}

/** Reduces anything thrown to what the response and the log may show. */
export function describeFault(thrown: unknown): Fault {
  if (!(thrown instanceof LoggableError)) return describeForeign(thrown)
  const own: Fault = { reason: 'internal_error', error: thrown.name, detail: thrown.message }
  if (thrown.cause === undefined) return own
  const { reason: _, ...cause } = describeForeign(thrown.cause)
  return { ...own, cause }
}

/** Returns how a call that threw this is retried. */
export function retryFor(thrown: unknown): FaultPolicy['retry'] {
  return policyFor(traitsOf(thrown)).retry
}

/** Returns the SQLSTATE of a Postgres error, which the Data API puts into its message, or `undefined`. */
export function sqlStateOf(thrown: unknown): string | undefined {
  // The last match: the message may quote a value that looks like one, and the SQLSTATE is at its end.
  return text(thrown, 'message')?.match(/.*SQLState:\s*(\w{5})/s)?.[1]
}

function describeForeign(thrown: unknown): Fault {
  const traits = traitsOf(thrown)
  const { name, errno, httpStatus, sqlState } = traits
  const awsRequestId = identifier(property(thrown, '$metadata'), 'requestId')

  return {
    reason: policyFor(traits).reason,
    error: name,
    ...(errno !== undefined && { errno }),
    ...(httpStatus !== undefined && { httpStatus }),
    ...(sqlState !== undefined && { sqlState }),
    ...(awsRequestId !== undefined && { awsRequestId }),
  }
}

function traitsOf(thrown: unknown): FaultTraits {
  return {
    name: identifier(thrown, 'name') ?? typeof thrown,
    errno: identifier(thrown, 'code'),
    sqlState: sqlStateOf(thrown),
    httpStatus: number(property(thrown, '$metadata'), 'httpStatusCode'),
  }
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function text(value: unknown, key: string): string | undefined {
  const found = property(value, key)
  return typeof found === 'string' ? found : undefined
}

/** Returns a name or an id. Any other text is left out, since a response can have any text in its place. */
function identifier(value: unknown, key: string): string | undefined {
  const found = text(value, key)
  return found !== undefined && /^[\w-]{1,64}$/.test(found) ? found : undefined
}

function number(value: unknown, key: string): number | undefined {
  const found = property(value, key)
  return typeof found === 'number' ? found : undefined
}
