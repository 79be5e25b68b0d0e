import type { BoundValue, Engine } from '../../tools/local/data-api/engine.ts'

/** Queries the database itself, on a separate session; resolves with rows of text. */
export async function queryOnce(engine: Engine, text: string, values: readonly BoundValue[] = []) {
  const session = await engine.session()
  return (await session.query(text, values).finally(session.release)).rows
}
