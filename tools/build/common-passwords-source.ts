import { dictionary } from '@zxcvbn-ts/language-common'

/** The lengths that `PASSWORD_MIN_LENGTH` can ask for, in code points. */
const LEAST = 8
const MOST = 64

/** Number of rejected passwords per shortest length: ASVS 6.2.4 requires the top 3000. */
const COUNT = 3000

/**
 * The rejected passwords, in no order: for each shortest length that can be configured, the 3000 most common
 * passwords of at least that length, or all. The source is in the order of frequency.
 */
export function commonPasswords(): string[] {
  const ranked = dictionary['passwords-common'].map((password) => ({
    password,
    length: [...password].length,
  }))
  const rejected = new Set<string>()
  for (let least = LEAST; least <= MOST; least += 1) {
    const policy = ranked.filter(({ length }) => length >= least).slice(0, COUNT)
    for (const { password } of policy) rejected.add(password)
  }
  return [...rejected]
}
