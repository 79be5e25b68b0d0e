import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { newcomersEnvironment } from './service-copy.ts'

interface StartOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Run instead of `npm start`. */
  readonly command?: readonly [name: string, ...args: string[]]
  /** Text in the last line of the announcement. */
  readonly lastLine?: string
}

/** Starts an endpoint, and resolves with its output once it listens. It ends with the test `t`. */
export async function startEndpoint(
  t: TestContext,
  {
    cwd,
    env = {},
    command: [name, ...args] = ['npm', 'start'],
    lastLine = '/faults -d ',
  }: StartOptions,
) {
  const child = spawn(name, args, {
    cwd,
    env: { ...newcomersEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A separate process group, which can get Ctrl-C as from a terminal.
    detached: true,
  })
  t.after(() => signal(child, 'SIGKILL'))
  const lines: string[] = []
  child.stdout.resume()
  for await (const line of createInterface(child.stderr)) {
    lines.push(line)
    if (line.includes(lastLine)) break
  }
  return { child, output: lines.join('\n') }
}

function signal({ pid, exitCode, signalCode }: ChildProcess, name: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, name)
}

/** Sends SIGINT, as a terminal does, and waits for the exit. */
export async function pressCtrlC(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  signal(child, 'SIGINT')
  await exit
}
