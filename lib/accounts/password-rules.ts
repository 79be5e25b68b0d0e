import { isCommonPassword } from './common-passwords.ts'
import { foldUsername } from './usernames.ts'

/** Maximum length of a password in bytes of UTF-8: bcrypt ignores the rest. */
export const PASSWORD_MAX_BYTES = 72

/** Reasons a new password is rejected. */
export type PasswordRejection =
  | 'password_too_short'
  | 'password_too_long'
  | 'password_nul'
  | 'password_forbidden_character'
  | 'password_is_username'
  | 'password_is_service_name'
  | 'password_common'

/** The configurable part of the rules. */
export interface PasswordRules {
  /** In code points, 8 or more. */
  readonly passwordMinLength: number
  /** A password that equals it, with or without its stage, is rejected. */
  readonly serviceName: string
}

/**
 * Returns whether an account can have the password, by the current rules or any earlier ones: bcrypt can hash
 * it, and distinguishes it from every other. bcrypt's key ends at U+0000 and repeats, so "a" and "a\0a" would
 * open the same account.
 */
export const isPossiblePassword = (password: string): boolean =>
  password !== '' && !password.includes('\0') && Buffer.byteLength(password) <= PASSWORD_MAX_BYTES

/**
 * Returns the reason that a new password, in NFC, is rejected, or `undefined`. NIST SP 800-63B-4, 3.1.1.2: the
 * whole password is compared with expected and common values. Without `usernameKey` it is not compared with a
 * username.
 */
export function passwordRejection(
  password: string,
  { passwordMinLength, serviceName }: PasswordRules,
  usernameKey?: string,
): PasswordRejection | undefined {
  if (password.includes('\0')) return 'password_nul'
  if ([...password].length < passwordMinLength) return 'password_too_short'
  if (!isPossiblePassword(password)) return 'password_too_long'
  // NIST SP 800-63B-4, 3.1.1.2, stabilized strings: a later Unicode version may normalise code points that are now
  // unassigned. A client that fails to decode a character sends U+FFFD.
  if (/[\p{Cn}\uFFFD]/u.test(password)) return 'password_forbidden_character'
  const text = password.toLowerCase()
  if (foldUsername(password) === usernameKey) return 'password_is_username'
  // On AWS the service's name ends with the stage, as in latchkey-prod.
  const service = serviceName.toLowerCase()
  if (text === service || text === service.replace(/-[^-]*$/, '')) return 'password_is_service_name'
  return isCommonPassword(text) ? 'password_common' : undefined
}
