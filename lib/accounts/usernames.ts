/** Maximum length of a username in code points, after NFC. */
export const USERNAME_MAX_CODE_POINTS = 50

/** Reasons a new username is rejected. */
export type UsernameRejection =
  | 'username_empty'
  | 'username_too_long'
  | 'username_outer_space'
  | 'username_forbidden_character'
  | 'username_leading_mark'
  | 'username_invisible'

/**
 * Control, format, unassigned, private use, line and paragraph separators, the blank Braille pattern and the
 * replacement character. Of the format characters, ZWNJ and ZWJ are allowed: names in Persian and Sinhala need them.
 */
const FORBIDDEN = /(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Zl}\p{Zp}\u2800\uFFFD]/u

/** Returns the reason that a new name, in NFC, is rejected, or `undefined`. */
export function usernameRejection(name: string): UsernameRejection | undefined {
  if (name === '') return 'username_empty'
  if ([...name].length > USERNAME_MAX_CODE_POINTS) return 'username_too_long'
  if (/^\p{White_Space}|\p{White_Space}$/u.test(name)) return 'username_outer_space'
  if (FORBIDDEN.test(name)) return 'username_forbidden_character'
  if (/^\p{Mark}/u.test(name)) return 'username_leading_mark'
  return foldUsername(name) === '' ? 'username_invisible' : undefined
}

/**
 * Folds a name to the key by which it is unique and found, in the manner of Unicode's NFKC_Casefold: two names
 * with one key belong to one account. It drops default-ignorable code points, and the dot above `i`, because SQL's
 * `lower('İ')` is `i` or `i̇` by locale and has an index too. It joins white space to one space and trims it. The
 * key of 50 code points can have 900. It depends on the Unicode version of the runtime, which a test pins.
 */
export function foldUsername(name: string): string {
  const folded = Array.from(name.normalize('NFKC'), foldCase)
    .join('')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFKD')
    .replace(/i\p{Mark}+/gu, (marked) => marked.replaceAll('\u0307', ''))
    .normalize('NFKC')
    .replace(/\p{White_Space}+/gu, ' ')
    .trim()
  return folded === name ? name : foldUsername(folded)
}

/** Unicode's full case folding of a code point. Upper case joins ß and ss; dotless ı is a separate letter. */
const foldCase = (codePoint: string) =>
  codePoint === 'ı' ? codePoint : codePoint.toUpperCase().toLowerCase()
