import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Runs a command line program of this repository as npm would, with nothing but `env`. What it covers
 * counts.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const coverage = process.env['NODE_V8_COVERAGE']
  const child = spawn(process.execPath, [file, ...args], {
    cwd: ROOT,
    env: { ...env, ...(coverage !== undefined && { NODE_V8_COVERAGE: coverage }) },
  })
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { stdout, stderr, status }
}
