import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'

/** An empty folder that goes with the test `t`. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(`${tmpdir()}/latchkey-test-`)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
