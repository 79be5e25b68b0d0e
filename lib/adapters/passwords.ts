import { compare, getRounds, hash } from 'bcryptjs'

/** A salt and a digest that belong to no password: they are random. */
const NOBODYS_HASH = 'sOhBn0W2m7WQgUy86TM2wuBIxOMd6flax4cO0mOzmj4dmQcVmew9P'

const nobodysHash = (cost: number) => `$2b$${String(cost).padStart(2, '0')}$${NOBODYS_HASH}`

/**
 * The functions that hash and compare passwords with bcrypt at a cost factor of 10 to 15. A password is at most
 * 72 bytes of UTF-8 without U+0000, as `credentials.ts` ensures.
 */
export function createPasswords({ cost }: { readonly cost: number }) {
  return {
    /** Hashes as `$2b$` with a random 128-bit salt. */
    hashPassword: (password: string): Promise<string> => hash(password, cost),

    /** Whether the hash has a lower cost than new ones. */
    isOutdated: (passwordHash: string): boolean => getRounds(passwordHash) < cost,

    /**
     * Whether `passwordHash` is a hash of this password. If not, it has taken as long as a hash, also where
     * there is no hash to compare or one of a lower cost. Rejects if the text of 60 characters is no bcrypt hash.
     */
    async verifyPassword(password: string, passwordHash = nobodysHash(cost)): Promise<boolean> {
      if (await compare(password, passwordHash)) return true
      // Each cost takes twice the time of the one below: c + c … C-1 is C.
      for (let padding = getRounds(passwordHash); padding < cost; padding += 1) {
        await compare(password, nobodysHash(padding))
      }
      return false
    },
  }
}
