import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { splitStatements } from './sql-statements.ts'

export interface Migration {
  /** The file's name, by which its application is recorded. */
  readonly name: string
  readonly sha256: string
  readonly statements: readonly string[]
}

export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url))

/** Reads the folder's `*.sql` in the order of their names, which is that of their application. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => {
      // Git may have made CRLF of the line ends here, and not where the file was applied.
      const sql = (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n')
      const sha256 = createHash('sha256').update(sql).digest('hex')
      return { name, sha256, statements: splitStatements(sql) }
    }),
  )
}
