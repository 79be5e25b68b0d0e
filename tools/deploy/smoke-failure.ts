/** A deployment that does not do what the contract says. The message is a sentence for people. */
export class SmokeFailure extends Error {
  override name = 'SmokeFailure'
}

/** Throws a {@link SmokeFailure} that says `sentence`, unless the condition holds. */
export function expect(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new SmokeFailure(sentence)
}

/** A value's property, and nothing where it has none: an answer can be of any shape. */
export function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
