/** What the caller is told of a fault of ours: 500, or 503 where trying again can help. */
export type FaultReason =
  | 'internal_error'
  | 'database_resuming'
  | 'database_unavailable'
  | 'timed_out'

/** Whether a call that may be repeated is sent again: at once or so, when a cluster has woken up, or never. */
export type Retry = 'soon' | 'slowly' | 'never'

/** What a fault means: to the caller, and to a call that may be repeated. */
export interface FaultPolicy {
  readonly reason: FaultReason
  readonly retry: Retry
}

/** What tells faults apart: the error's name and codes, and no message, since messages quote. */
export interface FaultSigns {
  readonly name: string
  /** A system error's code, such as `ECONNRESET`. */
  readonly errno?: string | undefined
  /** Postgres's SQLSTATE. */
  readonly sqlState?: string | undefined
  readonly httpStatus?: number | undefined
}

type Row = readonly [matches: (signs: FaultSigns) => boolean, FaultReason, Retry]

const named =
  (...names: readonly string[]) =>
  ({ name }: FaultSigns) =>
    names.includes(name)

const errno =
  (pattern: RegExp) =>
  ({ errno = '' }: FaultSigns) =>
    pattern.test(errno)

const sqlState =
  (pattern: RegExp) =>
  ({ sqlState = '' }: FaultSigns) =>
    pattern.test(sqlState)

/**
 * The first row that matches counts. The names are the Data API's error classes (AWS, "RDS Data API,
 * common errors"; `ThrottlingException` and `ValidationException` are not modelled by the SDK), the SDK's
 * own, and one of `users.ts`.
 */
const POLICY: readonly Row[] = [
  // Before the names: the SDK calls a reset connection a TimeoutError too.
  [
    errno(/^(ECONN|EPIPE|EPROTO|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|HPE_)/),
    'database_unavailable',
    'soon',
  ],
  // A cluster that sleeps at 0 ACU takes about 15 s to wake up, and the SDK does not wait for it.
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
  // Access, secret, SQL, or a bug of ours: the same call would fail in the same way.
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
  // Connection, transaction roll-back, insufficient resources, operator (PostgreSQL, appendix A), and a
  // writer that a failover has made a reader.
  [sqlState(/^(08|40|53|57)|^25006$/), 'database_unavailable', 'soon'],
  [named('DatabaseErrorException'), 'internal_error', 'never'],
  [named('TimeoutError', 'AbortError'), 'timed_out', 'soon'],
  // A proxy's HTML page arrives as a SyntaxError; its status still tells.
  [
    ({ httpStatus = 0 }) => httpStatus >= 500 || httpStatus === 429 || httpStatus === 408,
    'database_unavailable',
    'soon',
  ],
  // An answer that was cut off, or of which nothing is left: the statement may well have run.
  [
    ({ name, httpStatus }) => name === 'SyntaxError' && httpStatus === 200,
    'database_unavailable',
    'soon',
  ],
  [named('EmptyAnswer'), 'database_unavailable', 'soon'],
]

/** What the signs mean by the table; whatever is not in it is a bug of ours. */
export function policyFor(signs: FaultSigns): FaultPolicy {
  const row = POLICY.find(([matches]) => matches(signs))
  if (row === undefined) return { reason: 'internal_error', retry: 'never' }
  const [, reason, retry] = row
  return { reason, retry }
}
