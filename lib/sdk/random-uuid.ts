import { randomUUID } from 'node:crypto'

/**
 * In the bundle these stand for how `@smithy/core/serde` makes its UUIDs, one of which is a request's header
 * `amz-sdk-invocation-id`. The original loads the whole of WebCrypto at start, which is milliseconds; so jose
 * loads it, at the first token.
 */
export const bindV4 = () => randomUUID

/** What `bindV4` is given, and has no use for. */
export const getRandomValues = undefined
