import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const USAGE = `Deploys a stage with the Serverless Framework, then migrates its database.

  npm run deploy -- --stage S [--region R] [options of serverless deploy]
`

/** The arguments for `migrate`, or `undefined` without a stage. The rest is for the framework. */
export function stageArguments(args: readonly string[]): string[] | undefined {
  const { stage, region } = parseArgs({
    args: [...args],
    strict: false,
    options: {
      stage: { type: 'string', short: 's' },
      region: { type: 'string', short: 'r' },
    },
  }).values
  if (typeof stage !== 'string') return undefined
  return ['--stage', stage, ...(typeof region === 'string' ? ['--region', region] : [])]
}

/** Runs a command with this process's output, and returns its exit status. */
function run(command: string, args: readonly string[]): number {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) process.stderr.write(`${error.message}\n`)
  return status ?? 1
}

function main(args: readonly string[]): number {
  const stage = stageArguments(args)
  if (stage === undefined) {
    process.stderr.write(`--stage is missing.\n\n${USAGE}`)
    return 2
  }
  const migrate = fileURLToPath(new URL('migrate.ts', import.meta.url))
  return run('serverless', ['deploy', ...args]) || run(process.execPath, [migrate, ...stage])
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
