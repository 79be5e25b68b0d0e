/** An error whose message may be logged: it names variables, and quotes no value that a client or AWS sent. */
export class LoggableError extends Error {
  override name = 'LoggableError'
}
