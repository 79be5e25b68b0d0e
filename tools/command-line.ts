/** Prints a line on stdout. */
export const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/**
 * Describes an error. The message of a SyntaxError quotes the text that could not be parsed, which may hold a
 * secret, so it is not shown.
 */
function messageOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'AWS sent a response that is not JSON.'
  if (!(error instanceof Error)) return String(error)
  const { name, message } = error
  if (/^(Error|TypeError|AssertionError)$/.test(name)) return message
  return `${name}: ${message || String(Reflect.get(error, 'code'))}`
}

/** Options that name a deployed stage, for `parseArgs`. */
export const STAGE_OPTIONS = {
  stage: { type: 'string' },
  region: { type: 'string', default: 'eu-central-1' }, // As in serverless.yml.
} as const

/** Output of a program: a line for stdout, a text for stderr. */
export interface Output {
  readonly say: (line: string) => unknown
  readonly complain: (text: string) => unknown
}

const OWN_OUTPUT: Output = { say, complain: (text) => process.stderr.write(text) }

/** A command line program. */
export interface Program<Arguments> {
  readonly usage: string
  /** Beginning of the report of a failure. */
  readonly failure: string
  /** Throws if the arguments are invalid; the message says what is valid. */
  parse(args: string[]): Arguments
  /** May resolve with an exit status; the default is 0. */
  run(parsed: Arguments, output: Output): Promise<number> | Promise<void>
}

/**
 * Runs the program with this process's environment. Resolves with the exit status: that of `run`, 1 after a
 * failure, and 2 with the usage for invalid arguments.
 */
export async function callProgram<Arguments>(
  program: Program<Arguments>,
  args: readonly string[],
  output: Output,
): Promise<number> {
  let parsed: Arguments
  try {
    parsed = program.parse([...args])
  } catch (error) {
    output.complain(`${messageOf(error)}\n\n${program.usage}`)
    return 2
  }
  try {
    return (await program.run(parsed, output)) || 0
  } catch (error) {
    output.complain(`${program.failure}: ${messageOf(error)}\n`)
    return 1
  }
}

/**
 * Lets this process finish its work after the reader of its output has ended, as in `| head -3`: an exit at that line
 * would leave a migration or a rotation half done.
 */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (Reflect.get(error, 'code') !== 'EPIPE') throw error
    })
  }
}

/** Runs the program with the arguments, the output and the exit status of this process. */
export async function runProgram<Arguments>(program: Program<Arguments>): Promise<void> {
  ignoreClosedPipes()
  process.exitCode = await callProgram(program, process.argv.slice(2), OWN_OUTPUT)
}
