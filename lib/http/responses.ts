import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { AttemptResult } from '../accounts/attempts.ts'
import type { ChangePasswordResult } from '../accounts/change-password.ts'
import type { DeleteAccountResult } from '../accounts/delete-account.ts'
import type { MeResult } from '../accounts/me.ts'
import type { SignInResult } from '../accounts/sign-in.ts'
import type { SignUpResult } from '../accounts/sign-up.ts'
import { USERNAME_MAX_CODE_POINTS } from '../accounts/usernames.ts'
import type { FaultReason } from '../faults/fault-policy.ts'
import type { TokenRefusal } from './bearer-token.ts'
import {
  type CredentialsRefusal,
  PASSWORD_MAX_BYTES,
  type PasswordChangeRefusal,
} from './credentials.ts'
import { IDEMPOTENCY_KEY_LENGTH, type IdempotencyKeyRefusal } from './idempotency-key.ts'
import { BODY_MAX_BYTES, type BodyRefusal } from './json-body.ts'
import { PUBLISHED_SECONDS, type Published } from './well-known.ts'

/** Every reason with a response of its own. It is the `code` of the response. */
export type Reason =
  | IdempotencyKeyRefusal
  | BodyRefusal
  | CredentialsRefusal
  | PasswordChangeRefusal
  | TokenRefusal
  | 'username_taken'
  | 'discovery_unavailable'
  | 'invalid_credentials'
  | FaultReason

type TooManyAttempts = Extract<AttemptResult, { reason: 'too_many_attempts' }>

/** A request that ends with a token for the user. */
export interface TokenGranted<Code extends 'created' | 'signed_in' | 'password_changed'> {
  readonly ok: true
  readonly code: Code
  readonly userId: number
  readonly body: { readonly token: string }
  /** What became of replacing a hash of a lower cost; `outrun` if another request has changed it meanwhile. */
  readonly rehash?: 'done' | 'outrun' | 'failed'
}

/** How a request ended. */
export type Outcome =
  | Extract<
      SignUpResult | SignInResult | MeResult | ChangePasswordResult | DeleteAccountResult,
      { ok: true }
    >
  | Published
  | TooManyAttempts
  | { readonly ok: false; readonly reason: Reason }

/** The statuses of success. */
const STATUS = {
  created: 201,
  signed_in: 200,
  identified: 200,
  password_changed: 200,
  deleted: 204,
  published: 200,
} as const

interface Refusal {
  readonly status: 400 | 401 | 404 | 429 | 500 | 503
  /** For people: which field, what is wrong, what would be right. */
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

/** Server errors. */
const FAULTS: Readonly<Record<FaultReason, Refusal>> = {
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

/** What is wrong with a password, after the name of its field. */
function passwordTexts(minLength: number) {
  const wanted = `send a string of at least ${minLength} characters and at most ${PASSWORD_MAX_BYTES} bytes of UTF-8`
  return {
    missing: `is missing: ${wanted}`,
    notString: `is not a string: ${wanted}`,
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

/** The wire contract: every refusal with a fixed response, in one table. Clients match on its keys. */
export function refusals(passwordMinLength: number): Readonly<Record<Reason, Refusal>> {
  const text = passwordTexts(passwordMinLength)
  return {
    username_taken: { status: 400, err: 'Username already taken' },

    idempotency_key_malformed: invalid(`idempotency-key is malformed: ${KEY_WANTED}`),

    body_missing: invalid('body is missing: send a JSON object'),
    body_too_large: invalid(`body is too large: send at most ${BODY_MAX_BYTES} bytes`),
    body_not_utf8: invalid('body is not UTF-8: send JSON encoded as UTF-8'),
    body_not_json: invalid('body is not JSON: send a JSON object'),
    body_not_object: invalid(
      'body is not a JSON object: send {"username": string, "password": string}',
    ),

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

    // Nothing tells an unknown name from a wrong password. The text is that of the lesson.
    invalid_credentials: { status: 401, err: 'Invalid credentials.', challenge: 'Bearer' },

    token_missing: {
      status: 401,
      err: `token is missing: ${TOKEN_WANTED}`,
      challenge: 'Bearer',
    },
    token_expired: { ...INVALID_TOKEN, err: 'token has expired: sign in again' },
    token_invalid: { ...INVALID_TOKEN, err: 'token is invalid: sign in again' },

    discovery_unavailable: {
      status: 404,
      err: 'discovery is unavailable: it needs JWT_ALGORITHM=RS256 and the URL of this API as JWT_ISSUER',
    },

    ...FAULTS,
  }
}

const tooManyAttempts = (seconds: number): Refusal => ({
  status: 429,
  err: `Too many attempts: try again in ${seconds} seconds`,
  retryAfterSeconds: seconds,
})

/** Returns the function that turns an outcome into API Gateway's proxy response. */
export function createResponder({ passwordMinLength }: { readonly passwordMinLength: number }) {
  const table = refusals(passwordMinLength)

  return (outcome: Outcome): APIGatewayProxyStructuredResultV2 => {
    if (outcome.ok) {
      return 'body' in outcome
        ? toResponse(STATUS[outcome.code], outcome.code === 'published' ? PUBLIC : {}, outcome.body)
        : { statusCode: STATUS[outcome.code], headers: NO_STORE }
    }
    const refusal =
      outcome.reason === 'too_many_attempts'
        ? tooManyAttempts(outcome.retryAfterSeconds)
        : table[outcome.reason]
    return refusalResponse(refusal, outcome.reason)
  }
}

/** The proxy response to a fault. It needs no configuration, which may be the fault. */
export const respondToFault = (reason: FaultReason) => refusalResponse(FAULTS[reason], reason)

function refusalResponse(
  { status, err, challenge, retryAfterSeconds }: Refusal,
  code: Reason | TooManyAttempts['reason'],
): APIGatewayProxyStructuredResultV2 {
  const headers = {
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  }
  return toResponse(status, headers, { err, code })
}

const NO_STORE = { 'cache-control': 'no-store' } as const

const PUBLIC = { 'cache-control': `public, max-age=${PUBLISHED_SECONDS}` } as const

const toResponse = (
  statusCode: number,
  headers: Readonly<Record<string, string>>,
  body: object,
): APIGatewayProxyStructuredResultV2 => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...NO_STORE, ...headers },
  body: JSON.stringify(body),
})
