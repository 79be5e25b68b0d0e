import { compare, hash } from 'bcryptjs'

/**
 * Makes the function that hashes passwords with bcrypt, as `$2b$` with a random 128-bit salt.
 * `cost` is the cost factor, 10 to 15; a password is at most 72 bytes of UTF-8 without U+0000, which
 * `parseCredentials` sees to.
 */
export function createPasswordHasher({ cost }: { readonly cost: number }) {
  return (password: string): Promise<string> => hash(password, cost)
}

/** Whether the hash is one of this password, at the price of another hash. Rejects if it is no bcrypt hash. */
export const verifyPassword = (password: string, passwordHash: string): Promise<boolean> =>
  compare(password, passwordHash)
