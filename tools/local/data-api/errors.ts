/** The Data API's error classes and the HTTP status that AWS sends with each. */
const STATUS = {
  AccessDeniedException: 403,
  BadRequestException: 400,
  DatabaseErrorException: 400,
  DatabaseResumingException: 400,
  InternalServerErrorException: 500,
  MissingAuthenticationTokenException: 403,
  SerializationException: 400,
  ServiceUnavailableError: 503,
  StatementTimeoutException: 400,
  ThrottlingException: 400,
  TransactionNotFoundException: 404,
  UnknownOperationException: 404,
  UnrecognizedClientException: 403,
  UnsupportedResultException: 400,
  ValidationException: 400,
} as const

/** An error of the Data API: `name` is AWS's class, `status` the HTTP status. */
export class DataApiError extends Error {
  readonly status: number
  override readonly name: keyof typeof STATUS

  constructor(name: keyof typeof STATUS, message: string) {
    super(message)
    this.name = name
    this.status = STATUS[name]
  }
}

/** Postgres's response to two statements in one; AWS rejects them before Postgres sees them. */
const MULTIPLE_COMMANDS = /cannot insert multiple commands into a prepared statement/

/** A cancelled statement has the same code. */
const STATEMENT_TIMEOUT = /statement timeout/

/**
 * Converts an engine's error to AWS's. A Postgres error keeps its message, hint and position, with its SQLSTATE
 * at the end. Its DETAIL is left out, as on AWS.
 */
export function toDataApiError(thrown: unknown): DataApiError {
  if (thrown instanceof DataApiError) return thrown
  const { severity, message, hint, position, code } = Object(thrown)
  // Node's errors have codes too, some of five letters (EPIPE), and no severity.
  if (severity === undefined || code === undefined) {
    return new DataApiError('InternalServerErrorException', 'The local database failed.')
  }
  if (code === '42601' && MULTIPLE_COMMANDS.test(message)) return multistatements()
  if (code === '57014' && STATEMENT_TIMEOUT.test(message)) {
    return new DataApiError('StatementTimeoutException', 'Request timed out')
  }
  const parts = [`${severity}: ${message}`]
  if (hint) parts.push(`Hint: ${hint}`)
  if (position) parts.push(`Position: ${position}`)
  return new DataApiError('DatabaseErrorException', [...parts, `SQLState: ${code}`].join('; '))
}

/** AWS's error for more than one statement. */
export const multistatements = () =>
  new DataApiError('ValidationException', "Multistatements aren't supported.")
