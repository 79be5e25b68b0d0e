import { COMMON_PASSWORDS } from './common-passwords-list.ts'

let list: string | undefined

/**
 * Whether a password, in lower case, is one of the most common: of those of 8 characters and more the 3000
 * most common (ASVS 6.2.4), likewise of 9 and more, of 10 and more, and so on, as far as the list goes.
 * Whatever the shortest length that is configured, the 3000 most common that satisfy it are here. The list
 * is unpacked at the first call.
 */
export function isCommonPassword(lowerCased: string): boolean {
  list ??= unpack()
  // One search through 59 KB takes microseconds, and less than to make a Set of it first.
  return list.includes(`\n${lowerCased}\n`)
}

function unpack(): string {
  // Not imported: to load node:zlib takes 2 ms, which no start has to wait for.
  const { brotliDecompressSync } = process.getBuiltinModule('node:zlib')
  return brotliDecompressSync(Buffer.from(COMMON_PASSWORDS, 'base64')).toString()
}
