import { parseArgs } from 'node:util'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { readSecret } from '../../lib/secrets.ts'
import { parseAppSecret, setUpAppRole } from './app-role.ts'
import { migrate } from './migrations.ts'
import { openStageDatabase, readStackOutputs } from './stage.ts'

const USAGE = `Applies migrations/*.sql to a deployed stage's database, each file once, and sets the password of
the function's role from its secret. It is safe to repeat.

  npm run migrate -- --stage S [--region R] [--dry-run]

  --stage S    a deployed stage, such as dev; needs AWS credentials
  --region R   where the stage is (default: eu-central-1)
  --dry-run    prints what would be done, and does nothing
`

interface Arguments {
  readonly stage: string
  readonly region: string
  readonly dryRun: boolean
}

/** The parsed command line, or what is wrong with it. */
function parseArguments(args: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        stage: { type: 'string' },
        region: { type: 'string', default: 'eu-central-1' }, // As in serverless.yml.
        'dry-run': { type: 'boolean', default: false },
      },
    })
    const { stage, region, 'dry-run': dryRun } = values
    if (!stage) return '--stage is missing.'
    if (stage === 'local') return 'npm start migrates the stage local each time it starts.'
    return { stage, region, dryRun }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function migrateStage({ stage, region, dryRun }: Arguments): Promise<void> {
  const outputs = await readStackOutputs(stage, region)
  const database = openStageDatabase(outputs, region)
  say(`latchkey-${stage} in ${region}, database ${outputs.databaseName}`)
  if (dryRun) {
    const pending = await migrate(database, { dryRun, say })
    if (pending.length === 0) say('No migration to apply')
    say('Would set the password of latchkey_app from its secret')
    return
  }
  // Read first, so that an unusable secret fails before anything is changed.
  const secrets = new SecretsManagerClient({ region })
  const password = parseAppSecret(await readSecret(secrets, outputs.appSecretArn))
  const applied = await migrate(database, { say })
  if (applied.length === 0) say('No migration to apply')
  await setUpAppRole(database, password, { say })
  say('Set the password of latchkey_app from its secret')
}

const say = (line: string) => process.stdout.write(`${line}\n`)

function messageOf(error: unknown): string {
  // A SyntaxError quotes what could not be parsed, which may be the response that holds the secret.
  if (error instanceof SyntaxError) return 'AWS sent a response that is not JSON.'
  if (!(error instanceof Error)) return String(error)
  const { name, message } = error
  return name === 'Error' ? message : `${name}: ${message || String(Reflect.get(error, 'code'))}`
}

async function main(args: readonly string[]): Promise<0 | 1 | 2> {
  const parsed = parseArguments(args)
  if (typeof parsed === 'string') {
    process.stderr.write(`${parsed}\n\n${USAGE}`)
    return 2
  }
  try {
    await migrateStage(parsed)
    return 0
  } catch (error) {
    process.stderr.write(`The migration failed: ${messageOf(error)}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
