import { COMMON_PASSWORDS } from './common-passwords-list.ts'

let list: string | undefined

/**
 * Whether a password, in lower case, is one of the most common: of those of 8 characters and more the 3000
 * most common (ASVS 6.2.4), likewise of 9 and more, and all that the source knows of 10 and more (1557; of 15
 * and more 41). The list is unpacked at the first call.
 */
export function isCommonPassword(lowerCased: string): boolean {
  list ??= unpack()
  // One search through 59 KB takes microseconds, and less than to make a Set of it first.
  return !lowerCased.includes('\n') && list.includes(`\n${lowerCased}\n`)
}

function unpack(): string {
  // Not imported: to load node:zlib takes 2 ms, which no start has to wait for.
  const { brotliDecompressSync } = process.getBuiltinModule('node:zlib')
  return brotliDecompressSync(Buffer.from(COMMON_PASSWORDS, 'base64')).toString()
}
