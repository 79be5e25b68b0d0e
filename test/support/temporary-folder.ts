import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'

/** Creates an empty folder that is removed after the test `t`. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(`${tmpdir()}/latchkey-test-`)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
