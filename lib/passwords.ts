import { compare, hash } from 'bcryptjs'

/**
 * Returns the function that hashes passwords with bcrypt, as `$2b$` with a random 128-bit salt. `cost` is the
 * cost factor, 10 to 15. A password is at most 72 bytes of UTF-8 without U+0000, as `parseCredentials` ensures.
 */
export function createPasswordHasher({ cost }: { readonly cost: number }) {
  return (password: string): Promise<string> => hash(password, cost)
}

/** Whether `passwordHash` is a hash of this password. Takes as long as a hash. Rejects if it is no bcrypt hash. */
export const verifyPassword = (password: string, passwordHash: string): Promise<boolean> =>
  compare(password, passwordHash)
