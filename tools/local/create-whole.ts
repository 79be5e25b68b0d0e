import { linkSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Creates the file with its content in it from the first moment, for this user alone, and returns true;
 * or returns false if there is one already. Two processes never both create it.
 */
export function createWhole(path: string, content: string): boolean {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, content, { mode: 0o600 })
  try {
    // A link, unlike a new file, appears with its content, and only where there is none.
    linkSync(draft, path)
    return true
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}
