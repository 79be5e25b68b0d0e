/** The `code` of the response to a server error: status 500, or 503 where a retry can help. */
export type FaultReason =
  | 'internal_error'
  | 'database_resuming'
  | 'database_unavailable'
  | 'timed_out'

/** How a call is retried: after milliseconds, after the seconds that a resume takes, or never. */
export type Retry = 'soon' | 'slowly' | 'never'

/** The consequence of an error: for the client, and for a call that is safe to retry. */
export interface FaultPolicy {
  readonly reason: FaultReason
  readonly retry: Retry
}

/** The traits that classify an error: its name and codes. Not its message, which can quote SQL and values. */
export interface FaultTraits {
  readonly name: string
  /** A system error's code, such as `ECONNRESET`. */
  readonly errno?: string | undefined
  /** Postgres's SQLSTATE. */
  readonly sqlState?: string | undefined
  readonly httpStatus?: number | undefined
}

type Row = readonly [matches: (traits: FaultTraits) => boolean, FaultReason, Retry]

const named =
  (...names: readonly string[]) =>
  ({ name }: FaultTraits) =>
    names.includes(name)

const errno =
  (pattern: RegExp) =>
  ({ errno = '' }: FaultTraits) =>
    pattern.test(errno)

const sqlState =
  (pattern: RegExp) =>
  ({ sqlState = '' }: FaultTraits) =>
    pattern.test(sqlState)

/**
 * The first row that matches applies. The names are the Data API's error classes (AWS, "RDS Data API,
 * common errors"; `ThrottlingException` and `ValidationException` are not modelled by the SDK), the SDK's
 * own, and one of `data-api.ts`.
 */
const POLICY: readonly Row[] = [
  // Before the names: the SDK calls a reset connection a TimeoutError too.
  [
    errno(/^(ECONN|EPIPE|EPROTO|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|HPE_)/),
    'database_unavailable',
    'soon',
  ],
  // A cluster paused at 0 ACU takes about 15 s to resume, and the SDK does not retry this.
  [named('DatabaseResumingException'), 'database_resuming', 'slowly'],
  [
    named(
      'DatabaseUnavailableException',
      'InternalServerErrorException',
      'InvalidResourceStateException', // the cluster is failing over, being changed, or stopped
      'RequestLimitExceeded',
      'RequestTimeoutException',
      'ServiceUnavailableError',
      'StatementTimeoutException', // seen right after a resume
      'ThrottlingException',
      'TooManyRequestsException',
    ),
    'database_unavailable',
    'soon',
  ],
  // Access, secret, SQL, or a bug: a retry would fail in the same way.
  [
    named(
      'AccessDeniedException',
      'BadRequestException',
      'DatabaseNotFoundException',
      'ForbiddenException',
      'HttpEndpointNotEnabledException',
      'InvalidSecretException',
      'NotFoundException',
      'SecretsErrorException',
      'UnsupportedResultException',
      'ValidationException',
    ),
    'internal_error',
    'never',
  ],
  // Connection, transaction rollback, insufficient resources, operator intervention (PostgreSQL, appendix A),
  // and a writer that a failover has turned into a reader.
  [sqlState(/^(08|40|53|57)|^25006$/), 'database_unavailable', 'soon'],
  [named('DatabaseErrorException'), 'internal_error', 'never'],
  [named('TimeoutError', 'AbortError'), 'timed_out', 'soon'],
  // A proxy's HTML page becomes a SyntaxError; its status still shows what it is.
  [
    ({ httpStatus = 0 }) => httpStatus >= 500 || httpStatus === 429 || httpStatus === 408,
    'database_unavailable',
    'soon',
  ],
  // A truncated or empty response: the statement may have run.
  [
    ({ name, httpStatus }) => name === 'SyntaxError' && httpStatus === 200,
    'database_unavailable',
    'soon',
  ],
  [named('EmptyResponse'), 'database_unavailable', 'soon'],
]

/** Returns the policy for an error. One that is not in the table is a bug, so an `internal_error`. */
export function policyFor(traits: FaultTraits): FaultPolicy {
  const row = POLICY.find(([matches]) => matches(traits))
  if (row === undefined) return { reason: 'internal_error', retry: 'never' }
  const [, reason, retry] = row
  return { reason, retry }
}
