import { isCommonPassword } from '../accounts/common-passwords.ts'
import { foldUsername, refuseUsername, type UsernameRefusal } from '../accounts/usernames.ts'

/** A username and a password that keep the rules for new ones, in Unicode's NFC. */
export interface NewCredentials {
  readonly username: string
  /** What the username is unique by. */
  readonly usernameKey: string
  readonly password: string
}

/** What somebody signs in with. The rules for new names and passwords do not apply. */
export interface Credentials {
  readonly usernameKey: string
  /** In NFC; not empty, at most 72 bytes of UTF-8, without U+0000. */
  readonly password: string
}

/** Both passwords of a change, in NFC. */
export interface PasswordChange {
  readonly currentPassword: string
  /** It keeps the rules, but may be the username. */
  readonly newPassword: string
}

/** Reasons that a body holds no username and password at all. */
export type FieldsRefusal =
  | 'body_not_object'
  | 'username_missing'
  | 'username_not_string'
  | 'username_not_well_formed'
  | 'username_too_long'
  | 'password_missing'
  | 'password_not_string'
  | 'password_not_well_formed'

type PasswordBodyRefusal = 'body_not_object' | PasswordFieldRefusal

type PasswordFieldRefusal = Extract<FieldsRefusal, `password_${string}`>

/** Reasons a new password is rejected. */
export type PasswordRefusal =
  | 'password_too_short'
  | 'password_too_long'
  | 'password_nul'
  | 'password_forbidden_character'
  | 'password_is_username'
  | 'password_is_service_name'
  | 'password_common'

/** Reasons a body is rejected. The first that applies is reported, the username's before the password's. */
export type CredentialsRefusal = FieldsRefusal | UsernameRefusal | PasswordRefusal

/** Reasons that the body of a change of the password is rejected. */
export type PasswordChangeRefusal =
  | 'body_not_object'
  | `current_${PasswordFieldRefusal}`
  | `new_${PasswordFieldRefusal | PasswordRefusal}`

type Result<T, Reason> =
  | { readonly ok: true; readonly credentials: T }
  | { readonly ok: false; readonly reason: Reason }

/**
 * Longest text that is normalised, in UTF-16 code units, since the time for marks that combine grows with the
 * square of their number. A longer one is too long in any form: a character is composed of four units at most.
 */
const NORMALISED_MAX_UNITS = 300

/** Longest password in bytes of UTF-8: bcrypt ignores the rest. */
export const PASSWORD_MAX_BYTES = 72

/** The configurable part of the rules. */
export interface CredentialsRules {
  /** In code points, 8 or more. */
  readonly passwordMinLength: number
  /** A password that equals it, with or without its stage, is rejected. */
  readonly serviceName: string
}

const refuse = <Reason extends string>(reason: Reason) => ({ ok: false, reason }) as const

/**
 * Parses the body of a sign-up into credentials, or returns the reason it is rejected. Other keys are ignored.
 * Lengths are measured after normalisation, as stored and hashed.
 */
export function parseNewCredentials(
  body: unknown,
  rules: CredentialsRules,
): Result<NewCredentials, CredentialsRefusal> {
  const fields = readFields(body, 'username', 'password')
  if (!fields.ok) return fields
  const username = readUsername(fields.values[0])
  if (!username.ok) return username
  const name = username.text
  const nameRefusal = refuseUsername(name)
  if (nameRefusal !== undefined) return refuse(nameRefusal)
  const password = readPassword(fields.values[1])
  if (!password.ok) return password
  const usernameKey = foldUsername(name)
  const passwordRefusal = refusePassword(password.text, rules, usernameKey)
  if (passwordRefusal !== undefined) return refuse(passwordRefusal)
  return { ok: true, credentials: { username: name, usernameKey, password: password.text } }
}

/**
 * Parses the body of a sign-in. What no account can have is `invalid_credentials` without a comparison: a
 * password that bcrypt cannot hash, and a name with U+0000, which Postgres cannot store. All else is looked
 * up and compared, so that nobody is locked out when a rule tightens.
 */
export function parseCredentials(
  body: unknown,
): Result<Credentials, FieldsRefusal | 'invalid_credentials'> {
  const fields = readFields(body, 'username', 'password')
  if (!fields.ok) return fields
  const username = readUsername(fields.values[0])
  if (!username.ok) return username
  const password = readPassword(fields.values[1])
  if (!password.ok) return password
  const { text } = password
  if (!isPossible(text) || username.text.includes('\0')) return refuse('invalid_credentials')
  return {
    ok: true,
    credentials: { usernameKey: foldUsername(username.text), password: text },
  }
}

/**
 * Parses the body of a change of the password. The new one keeps the rules, but for the username, which the
 * body does not have; a current one that no account can have is `invalid_credentials`.
 */
export function parsePasswordChange(
  body: unknown,
  rules: CredentialsRules,
): Result<PasswordChange, PasswordChangeRefusal | 'invalid_credentials'> {
  const fields = readFields(body, 'currentPassword', 'newPassword')
  if (!fields.ok) return fields
  const [currentField, newField] = fields.values
  const current = readPassword(currentField)
  if (!current.ok) return refuse(`current_${current.reason}`)
  const next = readPassword(newField)
  if (!next.ok) return refuse(`new_${next.reason}`)
  const refusal = refusePassword(next.text, rules)
  if (refusal !== undefined) return refuse(`new_${refusal}`)
  if (!isPossible(current.text)) return refuse('invalid_credentials')
  return { ok: true, credentials: { currentPassword: current.text, newPassword: next.text } }
}

/** Parses the body of a deletion. A password that no account can have is `invalid_credentials`. */
export function parsePassword(
  body: unknown,
): Result<{ readonly password: string }, PasswordBodyRefusal | 'invalid_credentials'> {
  const fields = readFields(body, 'password')
  if (!fields.ok) return fields
  const password = readPassword(fields.values[0])
  if (!password.ok) return password
  if (!isPossible(password.text)) return refuse('invalid_credentials')
  return { ok: true, credentials: { password: password.text } }
}

/** Own keys only, so that nothing on a prototype can replace what the client did not send. */
function readFields(body: unknown, ...keys: readonly string[]) {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refuse('body_not_object')
  }
  const values = keys.map((key): unknown => Object.getOwnPropertyDescriptor(body, key)?.value)
  return { ok: true, values } as const
}

function readUsername(value: unknown) {
  if (value === undefined) return refuse('username_missing')
  if (typeof value !== 'string') return refuse('username_not_string')
  if (value.length > NORMALISED_MAX_UNITS) return refuse('username_too_long')
  if (!value.isWellFormed()) return refuse('username_not_well_formed')
  return { ok: true, text: value.normalize('NFC') } as const
}

function readPassword(value: unknown) {
  if (value === undefined) return refuse('password_missing')
  if (typeof value !== 'string') return refuse('password_not_string')
  // bcryptjs hashes a lone surrogate as three bytes that no other bcrypt produces.
  if (!value.isWellFormed()) return refuse('password_not_well_formed')
  // NIST SP 800-63B: the same password typed on another keyboard must give the same bytes.
  const text = value.length > NORMALISED_MAX_UNITS ? value : value.normalize('NFC')
  return { ok: true, text } as const
}

/**
 * Whether bcrypt distinguishes the password from every other. Its key ends at U+0000 and repeats: "a" and
 * "a\0a" would open the same account.
 */
const isHashable = (password: string) =>
  !password.includes('\0') && Buffer.byteLength(password) <= PASSWORD_MAX_BYTES

/** Whether an account can have the password, by today's rules or by any before. */
const isPossible = (password: string) => password !== '' && isHashable(password)

/** NIST SP 800-63B-4, 3.1.1.2: the whole password is compared with expected and common values. */
function refusePassword(
  password: string,
  { passwordMinLength, serviceName }: CredentialsRules,
  usernameKey?: string,
): PasswordRefusal | undefined {
  if (password.includes('\0')) return 'password_nul'
  if ([...password].length < passwordMinLength) return 'password_too_short'
  if (!isHashable(password)) return 'password_too_long'
  // NIST SP 800-63B-4, 3.1.1.2, stabilized strings: a later Unicode may normalise what is unassigned today.
  // U+FFFD stands for what a client failed to decode.
  if (/[\p{Cn}\uFFFD]/u.test(password)) return 'password_forbidden_character'
  const text = password.toLowerCase()
  if (foldUsername(password) === usernameKey) return 'password_is_username'
  // On AWS the service's name ends with the stage, as in latchkey-prod.
  const service = serviceName.toLowerCase()
  if (text === service || text === service.replace(/-[^-]*$/, '')) return 'password_is_service_name'
  return isCommonPassword(text) ? 'password_common' : undefined
}
