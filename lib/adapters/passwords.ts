import { compare, getRounds, hash } from 'bcryptjs'

/** A random salt and digest, which belong to no password. */
const DUMMY_HASH = 'sOhBn0W2m7WQgUy86TM2wuBIxOMd6flax4cO0mOzmj4dmQcVmew9P'

const dummyHash = (cost: number) => `$2b$${String(cost).padStart(2, '0')}$${DUMMY_HASH}`

/**
 * Returns the functions that hash and compare passwords with bcrypt at a cost factor of 10 to 15. A password is
 * at most 72 bytes of UTF-8 without U+0000, as `password-rules.ts` ensures.
 */
export function createPasswords({ cost }: { readonly cost: number }) {
  return {
    /** Hashes as `$2b$` with a random 128-bit salt. */
    hashPassword: (password: string): Promise<string> => hash(password, cost),

    /** Returns whether the hash has a lower cost factor than new ones. */
    isOutdated: (passwordHash: string): boolean => getRounds(passwordHash) < cost,

    /**
     * Resolves with `true` if `passwordHash` is a hash of this password. Otherwise takes as long as a new hash, even
     * without a hash to compare or with one of a lower cost factor. Rejects if a text of 60 characters is not a
     * bcrypt hash.
     */
    async verifyPassword(password: string, passwordHash = dummyHash(cost)): Promise<boolean> {
      if (await compare(password, passwordHash)) return true
      // Each cost factor takes twice the time of the one below: hashes of c and of c … C-1 take as long as one of C.
      for (let padding = getRounds(passwordHash); padding < cost; padding += 1) {
        await compare(password, dummyHash(padding))
      }
      return false
    },
  }
}
