import { isCommonPassword } from './common-passwords.ts'

/** A username and a password that keep the rules, in Unicode's NFC. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** Reasons a body is rejected. The first that applies is reported, the username's before the password's. */
export type CredentialsRefusal =
  | 'body_not_object'
  | 'username_missing'
  | 'username_not_string'
  | 'username_not_well_formed'
  | 'username_empty'
  | 'username_too_long'
  | 'username_outer_space'
  | 'username_forbidden_character'
  | 'password_missing'
  | 'password_not_string'
  | 'password_not_well_formed'
  | 'password_too_short'
  | 'password_too_long'
  | 'password_nul'
  | 'password_is_username'
  | 'password_is_service_name'
  | 'password_common'

export type CredentialsResult =
  | { readonly ok: true; readonly credentials: Credentials }
  | { readonly ok: false; readonly reason: CredentialsRefusal }

/** Longest username in code points, as Postgres counts for `VARCHAR(50)`. */
export const USERNAME_MAX_CODE_POINTS = 50

/** Longest password in bytes of UTF-8: bcrypt ignores the rest. */
export const PASSWORD_MAX_BYTES = 72

/** The configurable part of the rules. */
export interface CredentialsRules {
  /** In code points, 8 or more. */
  readonly passwordMinLength: number
  /** A password that equals it, with or without its stage, is rejected. */
  readonly serviceName: string
}

type Field<Refusal> =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: Refusal }

const refuse = <Refusal extends CredentialsRefusal>(reason: Refusal) =>
  ({ ok: false, reason }) as const

/**
 * Parses a body into credentials, or returns the reason it is rejected. Other keys are ignored. Lengths are
 * measured after normalisation, as stored and hashed.
 */
export function parseCredentials(body: unknown, rules: CredentialsRules): CredentialsResult {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refuse('body_not_object')
  }
  const username = parseUsername(ownValue(body, 'username'))
  if (!username.ok) return username
  const password = parsePassword(ownValue(body, 'password'), rules.passwordMinLength)
  if (!password.ok) return password
  const guess = guessable(password.text, username.text, rules.serviceName)
  if (guess !== undefined) return refuse(guess)
  return { ok: true, credentials: { username: username.text, password: password.text } }
}

/** Own keys only, so that nothing on a prototype can replace what the client did not send. */
function ownValue(object: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value
}

function parseUsername(value: unknown): Field<CredentialsRefusal> {
  if (value === undefined) return refuse('username_missing')
  if (typeof value !== 'string') return refuse('username_not_string')
  if (!value.isWellFormed()) return refuse('username_not_well_formed')
  const text = value.normalize('NFC')
  if (text === '') return refuse('username_empty')
  if (countCodePoints(text) > USERNAME_MAX_CODE_POINTS) return refuse('username_too_long')
  if (/^\p{White_Space}|\p{White_Space}$/u.test(text)) return refuse('username_outer_space')
  // Cc control, Cf format (zero-width, text direction), Cn unassigned in this runtime's Unicode.
  if (/[\p{Cc}\p{Cf}\p{Cn}]/u.test(text)) return refuse('username_forbidden_character')
  return { ok: true, text }
}

function parsePassword(value: unknown, minLength: number): Field<CredentialsRefusal> {
  if (value === undefined) return refuse('password_missing')
  if (typeof value !== 'string') return refuse('password_not_string')
  // bcryptjs hashes a lone surrogate as three bytes that no other bcrypt produces.
  if (!value.isWellFormed()) return refuse('password_not_well_formed')
  // NIST SP 800-63B: the same password typed on another keyboard must give the same bytes.
  const text = value.normalize('NFC')
  // bcrypt's key ends at U+0000 and repeats: "a" and "a\0a" would open the same account.
  if (text.includes('\0')) return refuse('password_nul')
  if (countCodePoints(text) < minLength) return refuse('password_too_short')
  if (Buffer.byteLength(text) > PASSWORD_MAX_BYTES) return refuse('password_too_long')
  return { ok: true, text }
}

/** NIST SP 800-63B-4, 3.1.1.2: the whole password is compared with expected and common values. */
function guessable(
  password: string,
  username: string,
  serviceName: string,
): CredentialsRefusal | undefined {
  const text = password.toLowerCase()
  if (text === username.toLowerCase()) return 'password_is_username'
  // On AWS the service's name ends with the stage, as in latchkey-prod.
  const service = serviceName.toLowerCase()
  if (text === service || text === service.replace(/-[^-]*$/, '')) return 'password_is_service_name'
  return isCommonPassword(text) ? 'password_common' : undefined
}

function countCodePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
