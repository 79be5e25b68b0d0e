import { brotliDecompressSync } from 'node:zlib'
import { COMMON_PASSWORDS } from './common-passwords-list.ts'

/** What a run goes along: the digits, the alphabet, the letters of QWERTY, QWERTZ and AZERTY keyboards. */
const ROWS = [
  '0123456789',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
]

/** Each row, forwards and backwards, nine times: a run of 72 characters can begin anywhere and go round. */
const RUNS = ROWS.flatMap((row) => [row, [...row].reverse().join('')]).map((row) => row.repeat(9))

let list: string | undefined

/**
 * Returns whether a password of 8 or more code points, in lower case, is a common one: on the list, a repetition of
 * 1 to 4 characters, or a run. The list has the 3000 most common passwords of 8 or more characters (ASVS 6.2.4), and
 * as many of 9 or more. Of 10 or more it has all 1557 of its source, 41 of them of 15 or more. The source omits
 * repetitions and runs, because zxcvbn has matchers for them. The first call unpacks the list.
 */
export function isCommonPassword(lowerCased: string): boolean {
  list ??= brotliDecompressSync(Buffer.from(COMMON_PASSWORDS, 'base64')).toString()
  // A search through 59 KB takes microseconds, less than making a Set of it.
  const isListed = !lowerCased.includes('\n') && list.includes(`\n${lowerCased}\n`)
  return isListed || isRepetition(lowerCased) || RUNS.some((run) => run.includes(lowerCased))
}

/** Returns whether a text is 1 to 4 characters over and over, the last time perhaps a part of them. */
function isRepetition(text: string): boolean {
  const points = [...text]
  // What repeats 1 or 2 characters also repeats 4.
  return [3, 4].some((length) =>
    points.every((point, index) => index < length || point === points[index - length]),
  )
}
