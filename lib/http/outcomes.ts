import type { AttemptResult } from '../accounts/attempts.ts'
import { PASSWORD_MAX_BYTES } from '../accounts/password-rules.ts'
import { USERNAME_MAX_CODE_POINTS } from '../accounts/usernames.ts'
import type { TokenRejection } from '../adapters/tokens.ts'
import type { FaultReason } from '../faults/fault-policy.ts'
import { IDEMPOTENCY_KEY_LENGTH, type IdempotencyKeyRejection } from './idempotency-key.ts'
import { BODY_MAX_BYTES, type BodyRejection } from './json-body.ts'
import type { BodyNotObject, RequestBodyRejection } from './request-bodies.ts'
import type { SessionTokenRejection } from './session-token.ts'

/** Every success, by its code in log and metrics: the status, and the message of the log line. */
export const SUCCESSES = {
  created: { status: 201, message: 'signed up' },
  signed_in: { status: 200, message: 'signed in' },
  renewed: { status: 200, message: 'renewed' },
  signed_out: { status: 204, message: 'signed out' },
  identified: { status: 200, message: 'identified' },
  password_changed: { status: 200, message: 'password changed' },
  username_changed: { status: 200, message: 'username changed' },
  deleted: { status: 204, message: 'account deleted' },
  document_read: { status: 200, message: 'document read' },
} as const

/** Every reason with a fixed response. It is the `code` of the response. */
export type Reason =
  | IdempotencyKeyRejection
  | BodyRejection
  | RequestBodyRejection
  | 'token_missing'
  | TokenRejection
  | SessionTokenRejection
  | 'session_ended'
  | 'username_taken'
  | 'invalid_credentials'
  | 'account_changed'
  | 'discovery_unavailable'
  | FaultReason

/** The outcome of a request. */
export type Outcome =
  | {
      readonly ok: true
      readonly code: keyof typeof SUCCESSES
      readonly userId?: number
      /** Sent as JSON. */
      readonly body?: object
      /** Seconds for which anyone may cache the response; absent forbids it. */
      readonly publicSeconds?: number
      readonly rehash?: string
    }
  | { readonly ok: false; readonly reason: Reason; readonly userId?: number }
  | BodyNotObject
  | Extract<AttemptResult, { reason: 'too_many_attempts' }>

/** The response to a rejected or failed request. */
export interface ErrorResponse {
  readonly status: 400 | 401 | 404 | 409 | 429 | 500 | 503
  /** For people: the field, the problem, and what to send. */
  readonly err: string
  readonly retryAfterSeconds?: number
  /** The challenge of a 401: RFC 9110, section 15.5.2; the errors are those of RFC 6750, section 3.1. */
  readonly challenge?: 'Bearer' | 'Bearer error="invalid_request"' | 'Bearer error="invalid_token"'
}

const KEY_WANTED = `send ${IDEMPOTENCY_KEY_LENGTH.least} to ${IDEMPOTENCY_KEY_LENGTH.most} visible ASCII characters`

const USERNAME_WANTED = `send a string of 1 to ${USERNAME_MAX_CODE_POINTS} characters`

/** A client error. */
const invalid = (err: string) =>
  ({ status: 401, err, challenge: 'Bearer error="invalid_request"' }) as const

const TOKEN_WANTED = 'send authorization: Bearer <token>'

const INVALID_TOKEN = { status: 401, challenge: 'Bearer error="invalid_token"' } as const

/** The responses to server errors, which need no configuration: that may be the cause. */
export const FAULTS: Readonly<Record<FaultReason, ErrorResponse>> = {
  internal_error: { status: 500, err: 'Internal server error' },
  // A paused Aurora cluster takes about 15 s to resume (AWS, "Scaling to Zero ACUs").
  database_resuming: {
    status: 503,
    err: 'The database is resuming: try again soon',
    retryAfterSeconds: 15,
  },
  database_unavailable: {
    status: 503,
    err: 'The database is unavailable: try again soon',
    retryAfterSeconds: 5,
  },
  timed_out: {
    status: 503,
    err: 'The request took too long: try again soon',
    retryAfterSeconds: 5,
  },
}

/** Texts that follow the name of a password's field. A current password may be older than a rule of length. */
function passwordTexts(minLength: number) {
  const wanted = `send a string of at least ${minLength} characters and at most ${PASSWORD_MAX_BYTES} bytes of UTF-8`
  return {
    missing: 'is missing: send a string',
    notString: 'is not a string: send a string',
    notWellFormed: 'is not well-formed Unicode: send it without lone surrogates',
    tooShort: `is too short: ${wanted}`,
    tooLong: `is too long: ${wanted}`,
    nul: 'has the character U+0000: send it without',
    forbiddenCharacter: 'has an unassigned character or U+FFFD: send it without',
    isUsername: 'is the username: send another',
    isServiceName: 'is the name of this service: send another',
    common: 'is too common: send another',
  }
}

/** Returns the wire contract of every rejection with a fixed response. Clients match on its keys. */
export function rejections(passwordMinLength: number): Readonly<Record<Reason, ErrorResponse>> {
  const text = passwordTexts(passwordMinLength)
  return {
    username_taken: { status: 400, err: 'Username already taken' },

    idempotency_key_malformed: invalid(`idempotency-key is malformed: ${KEY_WANTED}`),

    body_missing: invalid('body is missing: send a JSON object'),
    body_too_large: invalid(`body is too large: send at most ${BODY_MAX_BYTES} bytes`),
    body_not_utf8: invalid('body is not UTF-8: send JSON encoded as UTF-8'),
    body_not_json: invalid('body is not JSON: send a JSON object'),

    username_missing: invalid(`username is missing: ${USERNAME_WANTED}`),
    username_not_string: invalid(`username is not a string: ${USERNAME_WANTED}`),
    username_not_well_formed: invalid(
      'username is not well-formed Unicode: send it without lone surrogates',
    ),
    username_empty: invalid(`username is empty: ${USERNAME_WANTED}`),
    username_too_long: invalid(`username is too long: ${USERNAME_WANTED}`),
    username_outer_space: invalid('username begins or ends with white space: send it without'),
    username_forbidden_character: invalid(
      'username has a control, format, private or unassigned character: send it without',
    ),
    username_leading_mark: invalid('username begins with a combining mark: send it without'),
    username_is_password: invalid('username is the password: send another'),
    username_invisible: invalid('username has no visible character: send at least one'),

    password_missing: invalid(`password ${text.missing}`),
    password_not_string: invalid(`password ${text.notString}`),
    password_not_well_formed: invalid(`password ${text.notWellFormed}`),
    password_too_short: invalid(`password ${text.tooShort}`),
    password_too_long: invalid(`password ${text.tooLong}`),
    password_nul: invalid(`password ${text.nul}`),
    password_forbidden_character: invalid(`password ${text.forbiddenCharacter}`),
    password_is_username: invalid(`password ${text.isUsername}`),
    password_is_service_name: invalid(`password ${text.isServiceName}`),
    password_common: invalid(`password ${text.common}`),

    session_not_boolean: invalid('session is not a boolean: send true or false'),

    current_password_missing: invalid(`currentPassword ${text.missing}`),
    current_password_not_string: invalid(`currentPassword ${text.notString}`),
    current_password_not_well_formed: invalid(`currentPassword ${text.notWellFormed}`),
    new_password_missing: invalid(`newPassword ${text.missing}`),
    new_password_not_string: invalid(`newPassword ${text.notString}`),
    new_password_not_well_formed: invalid(`newPassword ${text.notWellFormed}`),
    new_password_too_short: invalid(`newPassword ${text.tooShort}`),
    new_password_too_long: invalid(`newPassword ${text.tooLong}`),
    new_password_nul: invalid(`newPassword ${text.nul}`),
    new_password_forbidden_character: invalid(`newPassword ${text.forbiddenCharacter}`),
    new_password_is_username: invalid(`newPassword ${text.isUsername}`),
    new_password_is_service_name: invalid(`newPassword ${text.isServiceName}`),
    new_password_common: invalid(`newPassword ${text.common}`),

    // An unknown name and a wrong password have the same response. The text is the lesson's.
    invalid_credentials: { status: 401, err: 'Invalid credentials.', challenge: 'Bearer' },

    // RFC 9110, section 15.5.10.
    account_changed: {
      status: 409,
      err: 'Another request has changed the account: try again',
    },

    token_missing: {
      status: 401,
      err: `token is missing: ${TOKEN_WANTED}`,
      challenge: 'Bearer',
    },
    token_expired: { ...INVALID_TOKEN, err: 'token has expired: sign in again' },
    token_invalid: { ...INVALID_TOKEN, err: 'token is invalid: sign in again' },

    session_missing: {
      status: 401,
      err: 'session is missing: send authorization: Bearer lks_…',
      challenge: 'Bearer',
    },
    session_malformed: {
      ...INVALID_TOKEN,
      err: 'session is malformed: send lks_ and 43 characters, not a token of another kind',
    },
    session_ended: { ...INVALID_TOKEN, err: 'session has ended: sign in again' },

    discovery_unavailable: {
      status: 404,
      err: 'discovery is unavailable: it needs JWT_ALGORITHM=RS256 and the URL of this API as JWT_ISSUER',
    },

    ...FAULTS,
  }
}

/** Returns the response to a body that is JSON, and not an object. */
export const bodyNotObject = ({ members }: BodyNotObject): ErrorResponse =>
  invalid(
    `body is not a JSON object: send {${members.map((name) => `"${name}": string`).join(', ')}}`,
  )

/** Returns the response to an attempt within a pause. */
export const tooManyAttempts = ({
  retryAfterSeconds,
  signInAgain,
}: Extract<Outcome, { reason: 'too_many_attempts' }>): ErrorResponse => ({
  status: 429,
  err: `Too many attempts: ${signInAgain ? 'sign in again, or ' : ''}try again in ${retryAfterSeconds} seconds`,
  retryAfterSeconds,
})
