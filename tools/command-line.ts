/** Prints a line for the person or the pipeline that runs a command. */
export const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/**
 * An error in words for people. A SyntaxError quotes what could not be parsed, which may be a response that
 * holds a secret, so it is not shown.
 */
export function messageOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'AWS sent a response that is not JSON.'
  if (!(error instanceof Error)) return String(error)
  const { name, message } = error
  if (/^(Error|TypeError|AssertionError)$/.test(name)) return message
  return `${name}: ${message || String(Reflect.get(error, 'code'))}`
}

/** The options that name a deployed stage, for `parseArgs`. */
export const STAGE_OPTIONS = {
  stage: { type: 'string' },
  region: { type: 'string', default: 'eu-central-1' }, // As in serverless.yml.
} as const

/** A command line program. */
export interface Program<Arguments> {
  readonly usage: string
  /** What the report of a failure begins with. */
  readonly failure: string
  /** Throws if the arguments are wrong, with what would be right. */
  parse(args: string[]): Arguments
  run(parsed: Arguments): Promise<void>
}

/** Runs the program; the exit status is 0, 1 after a failure, and 2 with the usage for wrong arguments. */
export async function runProgram<Arguments>(program: Program<Arguments>): Promise<void> {
  let parsed: Arguments
  try {
    parsed = program.parse(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${program.usage}`)
    process.exitCode = 2
    return
  }
  await program.run(parsed).catch((error: unknown) => {
    process.stderr.write(`${program.failure}: ${messageOf(error)}\n`)
    process.exitCode = 1
  })
}
