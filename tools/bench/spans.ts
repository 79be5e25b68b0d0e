/** A stretch of time on this machine's monotonic clock, which all of its processes share, in milliseconds. */
export interface Span {
  readonly name: SpanName
  readonly start: number
  readonly end: number
}

/**
 * `hash`: bcrypt's, from the inside. `data-api` and `secret`: from the moment in which all bytes of a
 * request are handed to the socket to the answer's headers, so that what the client computes before and
 * after is not in it.
 */
export type SpanName = 'hash' | 'data-api' | 'secret'

/** One call of a handler, with what was measured inside. */
export interface Call {
  readonly statusCode: number
  readonly start: number
  readonly end: number
  readonly spans: readonly Span[]
  /** Most memory that the process has had so far (maximum resident set size). */
  readonly peakBytes: number
}

/** Milliseconds from `start` to `end`. */
export const length = ({ start, end }: { readonly start: number; readonly end: number }) =>
  end - start

/** The spans of that name. */
export const named = ({ spans }: Call, name: SpanName): readonly Span[] =>
  spans.filter((span) => span.name === name)

/** A sign-up's own time, in milliseconds: what is neither the hash nor the wait for the Data API's answer. */
export interface OwnTime {
  /** Until the hash: the event is read and checked. */
  readonly beforeHash: number
  /** From the hash to the request's last byte: it is serialised and signed. */
  readonly beforeCall: number
  /** From the answer's headers to the end: it is parsed, the token is signed, the outcome logged. */
  readonly afterCall: number
  readonly total: number
}

/** Takes a sign-up apart that has one hash and, after it, one call. Throws if it has others. */
export function ownTime(call: Call): OwnTime {
  const [hash, ...hashes] = named(call, 'hash')
  const [wait, ...waits] = named(call, 'data-api')
  if (!hash || !wait || hashes.length + waits.length > 0 || wait.start < hash.end) {
    throw new Error('A sign-up must have one hash, and after it one call of the Data API.')
  }
  const beforeHash = hash.start - call.start
  const beforeCall = wait.start - hash.end
  const afterCall = call.end - wait.end
  return { beforeHash, beforeCall, afterCall, total: beforeHash + beforeCall + afterCall }
}
