import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Copies the service into a new folder, like a fresh clone after `npm ci`, so that a test can run its commands
 * without a developer's `.local/` or `.env`. The folder is removed after the test `t`.
 */
export function copyService(t: TestContext): string {
  const folder = mkdtempSync(`${tmpdir()}/latchkey-service-`)
  for (const name of [
    'events',
    'examples',
    'functions',
    'lib',
    'migrations',
    'openapi.yaml',
    'package.json',
    'resources',
    'serverless.yml',
    'tools',
  ]) {
    const filter = (source: string) => !source.endsWith('/node_modules') // Of tools/mutation.
    cpSync(`${ROOT}${name}`, `${folder}/${name}`, { recursive: true, filter })
  }
  symlinkSync(`${ROOT}node_modules`, `${folder}/node_modules`)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Returns the environment of a newcomer's shell: a path and a home, but no AWS, database or project settings. */
export const newcomersEnvironment = () => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
})
