import { linkSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Creates the file with its content in one step, readable by this user alone. Returns false if it exists.
 * Of several processes one creates it.
 */
export function createAtomically(path: string, content: string): boolean {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, content, { mode: 0o600 })
  try {
    // A link appears with its content, unlike a new file, and fails if the path exists.
    linkSync(draft, path)
    return true
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}
