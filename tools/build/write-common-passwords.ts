import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { commonPasswords } from './common-passwords-source.ts'

// `npm run common-passwords` writes lib/accounts/common-passwords-list.ts anew, after its source has changed.
const packageJson = createRequire(import.meta.url).resolve(
  '@zxcvbn-ts/language-common/package.json',
)
const licence = readFileSync(packageJson.replace('package.json', 'LICENSE.txt'), 'utf8').trim()
// Sorted, they pack best. A line break around each, so that a search finds whole passwords.
const packed = brotliCompressSync(`\n${commonPasswords().sort().join('\n')}\n`).toString('base64')

const file = fileURLToPath(new URL('../../lib/accounts/common-passwords-list.ts', import.meta.url))
writeFileSync(
  file,
  `/*! The common passwords are from @zxcvbn-ts/language-common, under this licence:

${licence}
*/

/** One per line, in lower case; brotli in base64. Written by \`npm run common-passwords\`. */
export const COMMON_PASSWORDS =
  '${packed}'
`,
)
