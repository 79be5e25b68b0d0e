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

/** Postgres's response to PREPARE with two statements in it; AWS refuses that before Postgres sees it. */
const MULTIPLE_COMMANDS = /cannot insert multiple commands into a prepared statement/

/** The same code stands for a statement that somebody cancelled. */
const STATEMENT_TIMEOUT = /statement timeout/

/**
 * Turns what an engine threw into what AWS would respond. A Postgres error keeps its message, hint and
 * position, and its SQLSTATE at the end; its DETAIL is left out, because AWS leaves it out.
 */
export function toDataApiError(thrown: unknown): DataApiError {
  if (thrown instanceof DataApiError) return thrown
  const { severity, message = '', hint, position, code } = postgresFields(thrown)
  // Node's errors have codes too, of five letters some of them (EPIPE), but no severity.
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

export const multistatements = () =>
  new DataApiError('ValidationException', "Multistatements aren't supported.")

type PostgresField = 'severity' | 'message' | 'hint' | 'position' | 'code'

function postgresFields(thrown: unknown): Partial<Record<PostgresField, string>> {
  if (typeof thrown !== 'object' || thrown === null) return {}
  const fields: Partial<Record<PostgresField, string>> = {}
  for (const key of ['severity', 'message', 'hint', 'position', 'code'] as const) {
    const value: unknown = Reflect.get(thrown, key)
    if (typeof value === 'string') fields[key] = value
  }
  return fields
}
