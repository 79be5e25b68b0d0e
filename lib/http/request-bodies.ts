import type { KeyedUsername } from '../accounts/account.ts'
import {
  isPossiblePassword,
  type PasswordRejection,
  type PasswordRules,
  passwordRejection,
} from '../accounts/password-rules.ts'
import { foldUsername, type UsernameRejection, usernameRejection } from '../accounts/usernames.ts'

/** Reasons a field is rejected before the rules for new values apply. */
type UsernameFieldRejection =
  | 'username_missing'
  | 'username_not_string'
  | 'username_not_well_formed'
  | 'username_too_long'

type PasswordFieldRejection =
  | 'password_missing'
  | 'password_not_string'
  | 'password_not_well_formed'

/** Reasons a member is rejected. The first that applies is reported, the username's before the password's. */
export type RequestBodyRejection =
  | UsernameFieldRejection
  | UsernameRejection
  | 'username_is_password'
  | PasswordFieldRejection
  | PasswordRejection
  | `current_${PasswordFieldRejection}`
  | `new_${PasswordFieldRejection | PasswordRejection}`

/** A body that is not an object, and the members that the route needs. */
export interface BodyNotObject {
  readonly ok: false
  readonly reason: 'body_not_object'
  readonly members: readonly string[]
}

/** A parsed body, or the reason it is rejected. */
type RequestBodyResult<T> =
  | { readonly ok: true; readonly value: T }
  | BodyNotObject
  | {
      readonly ok: false
      readonly reason: RequestBodyRejection | 'invalid_credentials'
    }

/** A password in NFC: not empty, at most 72 bytes of UTF-8, without U+0000. */
interface Password {
  readonly password: string
}

/**
 * Maximum length of a text that is normalised, in UTF-16 code units: the time for combining marks grows with the
 * square of their number. A longer text is too long in any form, since a character is composed of at most four units.
 */
const NORMALISED_MAX_UNITS = 300

const reject = <Reason extends string>(reason: Reason) => ({ ok: false, reason }) as const

const accept = <T>(value: T) => ({ ok: true, value }) as const

// Each parser ignores other keys. Lengths are measured after normalisation, as stored and hashed. Where a request
// opens an account, a value that no account can have is `invalid_credentials` without a comparison. Any other value
// is compared, so that a stricter rule locks no account out.

/** Parses the body of a sign-up, whose name and password satisfy the rules. */
export function parseSignUp(
  body: unknown,
  rules: PasswordRules,
): RequestBodyResult<KeyedUsername & Password> {
  const fields = readFields(body, 'username', 'password')
  if (!fields.ok) return fields
  const name = readNewUsername(fields.value[0])
  if (!name.ok) return name
  const password = readPassword(fields.value[1])
  if (!password.ok) return password
  const rejection = passwordRejection(password.value, rules, name.value.usernameKey)
  if (rejection !== undefined) return reject(rejection)
  return accept({ ...name.value, password: password.value })
}

/** Parses the body of a sign-in. Postgres cannot store a name with U+0000. */
export function parseSignIn(body: unknown): RequestBodyResult<KeyedUsername & Password> {
  const fields = readFields(body, 'username', 'password')
  if (!fields.ok) return fields
  const username = readUsername(fields.value[0])
  if (!username.ok) return username
  const password = readCurrentPassword(fields.value[1])
  if (!password.ok) return password
  if (username.value.includes('\0')) return reject('invalid_credentials')
  return accept({ ...keyed(username.value), password: password.value })
}

/**
 * Parses the body of a change of the password. The new one satisfies the rules; the body has no username to
 * compare.
 */
export function parsePasswordChange(
  body: unknown,
  rules: PasswordRules,
): RequestBodyResult<{ readonly currentPassword: string; readonly newPassword: string }> {
  const fields = readFields(body, 'currentPassword', 'newPassword')
  if (!fields.ok) return fields
  const current = readPassword(fields.value[0])
  if (!current.ok) return reject(`current_${current.reason}`)
  const next = readPassword(fields.value[1])
  if (!next.ok) return reject(`new_${next.reason}`)
  const rejection = passwordRejection(next.value, rules)
  if (rejection !== undefined) return reject(`new_${rejection}`)
  if (!isPossiblePassword(current.value)) return reject('invalid_credentials')
  return accept({ currentPassword: current.value, newPassword: next.value })
}

/** Parses the body of a change of the username. The name satisfies the rules, and is not the password. */
export function parseUsernameChange(body: unknown): RequestBodyResult<KeyedUsername & Password> {
  const fields = readFields(body, 'username', 'password')
  if (!fields.ok) return fields
  const name = readNewUsername(fields.value[0])
  if (!name.ok) return name
  const password = readCurrentPassword(fields.value[1])
  if (!password.ok) return password
  if (foldUsername(password.value) === name.value.usernameKey) return reject('username_is_password')
  return accept({ ...name.value, password: password.value })
}

/** Parses the body of a deletion. */
export function parsePassword(body: unknown): RequestBodyResult<Password> {
  const fields = readFields(body, 'password')
  if (!fields.ok) return fields
  const password = readCurrentPassword(fields.value[0])
  return password.ok ? accept({ password: password.value }) : password
}

/** Reads own properties only, so that a prototype cannot supply what the client did not send. */
function readFields(body: unknown, ...members: readonly string[]) {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { ...reject('body_not_object'), members }
  }
  return accept(members.map((key): unknown => Object.getOwnPropertyDescriptor(body, key)?.value))
}

function readUsername(value: unknown) {
  if (value === undefined) return reject('username_missing')
  if (typeof value !== 'string') return reject('username_not_string')
  if (value.length > NORMALISED_MAX_UNITS) return reject('username_too_long')
  if (!value.isWellFormed()) return reject('username_not_well_formed')
  return accept(value.normalize('NFC'))
}

function readNewUsername(value: unknown) {
  const username = readUsername(value)
  if (!username.ok) return username
  const rejection = usernameRejection(username.value)
  if (rejection !== undefined) return reject(rejection)
  return accept(keyed(username.value))
}

function readPassword(value: unknown) {
  if (value === undefined) return reject('password_missing')
  if (typeof value !== 'string') return reject('password_not_string')
  // bcryptjs hashes a lone surrogate as three bytes that no other bcrypt produces.
  if (!value.isWellFormed()) return reject('password_not_well_formed')
  // NIST SP 800-63B: the same password typed on another keyboard must give the same bytes.
  return accept(value.length > NORMALISED_MAX_UNITS ? value : value.normalize('NFC'))
}

const keyed = (username: string) => ({ username, usernameKey: foldUsername(username) })

/** Reads a password to compare. */
function readCurrentPassword(value: unknown) {
  const password = readPassword(value)
  if (password.ok && !isPossiblePassword(password.value)) return reject('invalid_credentials')
  return password
}
