import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { mutationOfThisProcess, takeMutantCoverage } from './mutation-child.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Runs a command line program of this repository as npm would, with nothing but `env`. What it covers
 * counts, and in a mutation run it runs the mutant.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const coverage = process.env['NODE_V8_COVERAGE']
  const mutation = mutationOfThisProcess()
  const child = spawn(process.execPath, [...mutation.args, file, ...args], {
    cwd: ROOT,
    env: {
      ...env,
      ...(coverage !== undefined && { NODE_V8_COVERAGE: coverage }),
      ...mutation.env,
    },
  })
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  takeMutantCoverage(child.pid, ROOT)
  return { stdout, stderr, status }
}
