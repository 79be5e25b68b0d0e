import { cpSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './temporary-folder.ts'
import { namesIn } from './yaml.ts'

/** Returns true for the migrations of release 0.2.0. */
export const isPreviousMigration = (name: string) => name < '005'

/** Copies the migrations of release 0.2.0 into a temporary folder, and returns it. */
export function previousRelease(t: TestContext): string {
  const folder = temporaryFolder(t)
  const migrations = new URL('../../migrations/', import.meta.url)
  for (const name of namesIn('migrations').filter(isPreviousMigration)) {
    cpSync(new URL(name, migrations), `${folder}/${name}`)
  }
  return folder
}
