import { dictionary } from '@zxcvbn-ts/language-common'

/** The lengths that `PASSWORD_MIN_LENGTH` can ask for, in code points. */
const LEAST = 8
const MOST = 64

/** How many of the most common passwords of a length are refused: ASVS 6.2.4 wants the top 3000. */
const COUNT = 3000

/**
 * The passwords that are refused, in no order: for each shortest length that can be configured, the 3000
 * most common of that length and more, or all there are. The source has them in the order of frequency.
 */
export function commonPasswords(): string[] {
  const ranked = dictionary['passwords-common'].map((password) => ({
    password,
    length: [...password].length,
  }))
  const refused = new Set<string>()
  for (let least = LEAST; least <= MOST; least += 1) {
    const policy = ranked.filter(({ length }) => length >= least).slice(0, COUNT)
    for (const { password } of policy) refused.add(password)
  }
  return [...refused]
}
