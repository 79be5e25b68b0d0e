import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runProgram } from './command-line.ts'
import { hasDatabase } from './stage.ts'

const USAGE = `Migrates a stage's database, deploys the stage with the Serverless Framework, and migrates once more:
for the first deployment, which creates the database, and for users whom the code before stored meanwhile. With
--param signing=rs256 the tokens are signed with an RSA key, which the migrations make where there is none.

  npm run deploy -- --stage S [--region R] [options of serverless deploy]
`

/** The arguments for the framework, which are all, and the stage. Throws without a stage. */
export function parse(args: string[]) {
  const { stage, region, param } = parseArgs({
    args,
    strict: false,
    options: {
      stage: { type: 'string', short: 's' },
      region: { type: 'string', short: 'r', default: 'eu-central-1' }, // As in serverless.yml.
      param: { type: 'string', multiple: true },
    },
  }).values
  if (typeof stage !== 'string' || typeof region !== 'string') {
    throw new Error('--stage is missing.')
  }
  const [, signing] = /^signing=(.*)$/.exec(String([param].flat().findLast(isSigning))) ?? []
  return { deploy: args, stage, region, signing }
}

const isSigning = (param: unknown) => String(param).startsWith('signing=')

/** Runs a command with this process's output, and returns its exit status. */
function spawn(command: string, args: readonly string[]): number {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}

async function run({ deploy, stage, region, signing }: ReturnType<typeof parse>): Promise<void> {
  const file = fileURLToPath(new URL('migrate.ts', import.meta.url))
  const args = ['--stage', stage, '--region', region, ...(signing ? ['--signing', signing] : [])]
  const migrate = () => spawn(process.execPath, [file, ...args])
  // New code must not meet an old schema.
  const migrated = (await hasDatabase(stage, region)) ? migrate() : 0
  process.exitCode = migrated || spawn('serverless', ['deploy', ...deploy]) || migrate()
}

if (import.meta.main) await runProgram({ usage: USAGE, failure: 'Not deployed', parse, run })
