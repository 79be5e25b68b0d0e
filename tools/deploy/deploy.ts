import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runProgram } from './command-line.ts'
import { hasDatabase } from './stage.ts'

const USAGE = `Migrates a stage's database, deploys the stage with the Serverless Framework, and migrates once more:
for the first deployment, which creates the database, and for users whom the code before stored meanwhile.

  npm run deploy -- --stage S [--region R] [options of serverless deploy]
`

/** The arguments for the framework, which are all, and the stage. Throws without a stage. */
export function parse(args: string[]) {
  const { stage, region } = parseArgs({
    args,
    strict: false,
    options: {
      stage: { type: 'string', short: 's' },
      region: { type: 'string', short: 'r', default: 'eu-central-1' }, // As in serverless.yml.
    },
  }).values
  if (typeof stage !== 'string' || typeof region !== 'string') {
    throw new Error('--stage is missing.')
  }
  return { deploy: args, stage, region }
}

/** Runs a command with this process's output, and returns its exit status. */
function spawn(command: string, args: readonly string[]): number {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}

async function run({ deploy, stage, region }: ReturnType<typeof parse>): Promise<void> {
  const file = fileURLToPath(new URL('migrate.ts', import.meta.url))
  const migrate = () => spawn(process.execPath, [file, '--stage', stage, '--region', region])
  // New code must not meet an old schema.
  const migrated = (await hasDatabase(stage, region)) ? migrate() : 0
  process.exitCode = migrated || spawn('serverless', ['deploy', ...deploy]) || migrate()
}

if (import.meta.main) await runProgram({ usage: USAGE, failure: 'Not deployed', parse, run })
