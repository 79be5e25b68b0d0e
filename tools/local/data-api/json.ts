declare global {
  interface JSON {
    /** Node.js 22 and later: a value that `JSON.stringify` writes as this text. */
    rawJSON(text: string): object
  }
}

/** Parses JSON, with each whole `longValue` as a bigint: a number keeps only 53 of its 64 bits. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) => {
    const { source = '' } = context ?? {}
    return key === 'longValue' && /^-?\d+$/.test(source) ? BigInt(source) : value
  })
}

/** Writes JSON, with each bigint as a number of all its digits. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'bigint' ? JSON.rawJSON(String(member)) : member,
  )
}
