import { brotliDecompressSync } from 'node:zlib'
import { COMMON_PASSWORDS } from './common-passwords-list.ts'

let list: string | undefined

/**
 * Whether a password, in lower case, is one of the most common: of those of 8 or more characters the 3000
 * most common (ASVS 6.2.4), the same of 9 or more, and all that the source has of 10 or more (1557; of 15
 * or more 41). The list is unpacked at the first call.
 */
export function isCommonPassword(lowerCased: string): boolean {
  list ??= brotliDecompressSync(Buffer.from(COMMON_PASSWORDS, 'base64')).toString()
  // One search through 59 KB takes microseconds, less than making a Set of it first.
  return !lowerCased.includes('\n') && list.includes(`\n${lowerCased}\n`)
}
