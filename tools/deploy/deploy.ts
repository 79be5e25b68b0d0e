import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runProgram } from './command-line.ts'

const USAGE = `Deploys a stage with the Serverless Framework, then migrates its database.

  npm run deploy -- --stage S [--region R] [options of serverless deploy]
`

/** The arguments for the framework, which are all, and those for `migrate`. Throws without a stage. */
export function parse(args: string[]) {
  const { stage, region } = parseArgs({
    args,
    strict: false,
    options: { stage: { type: 'string', short: 's' }, region: { type: 'string', short: 'r' } },
  }).values
  if (typeof stage !== 'string') throw new Error('--stage is missing.')
  const migrate = ['--stage', stage, ...(typeof region === 'string' ? ['--region', region] : [])]
  return { deploy: args, migrate }
}

/** Runs a command with this process's output, and returns its exit status. */
function spawn(command: string, args: readonly string[]): number {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}

async function run({ deploy, migrate }: ReturnType<typeof parse>): Promise<void> {
  const file = fileURLToPath(new URL('migrate.ts', import.meta.url))
  process.exitCode =
    spawn('serverless', ['deploy', ...deploy]) || spawn(process.execPath, [file, ...migrate])
}

if (import.meta.main) await runProgram({ usage: USAGE, failure: 'Not deployed', parse, run })
