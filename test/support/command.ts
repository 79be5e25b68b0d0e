import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { callProgram, type Program } from '../../tools/command-line.ts'
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

/**
 * Calls a program in this process, as `runCommand` starts one: with nothing but `env`. `lines` are those that it
 * prints. One at a time, since the environment is the process's.
 */
export async function callCommand<Arguments>(
  program: Program<Arguments>,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  lines: string[] = [],
) {
  let stderr = ''
  const own = process.env
  process.env = { ...env }
  try {
    const status = await callProgram(program, args, {
      say: (line) => lines.push(line),
      complain: (text) => (stderr += text),
    })
    return { stdout: lines.map((line) => `${line}\n`).join(''), stderr, status }
  } finally {
    process.env = own
  }
}
