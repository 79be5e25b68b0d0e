import { parseArgs } from 'node:util'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { readSecret } from '../../lib/secrets.ts'
import { parseAppSecret, setUpAppRole } from './app-role.ts'
import { migrate } from './migrations.ts'
import { SILENT } from './patience.ts'
import { readStackOutputs } from './stack-outputs.ts'
import { openStageDatabase } from './stage-database.ts'

const USAGE = `Applies migrations/*.sql to a deployed stage's database, each file once, and lets the
function's role log in with the password of its secret. Run it as often as you like.

  npm run migrate -- --stage S [--region R] [--dry-run]

  --stage S    a deployed stage, such as dev; needs AWS credentials
  --region R   where the stage is (default: eu-central-1)
  --dry-run    says what would be done, and does nothing
`

interface Arguments {
  readonly stage: string
  readonly region: string
  readonly dryRun: boolean
}

/** The command line, parsed; or what is wrong with it. */
function parseArguments(args: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        stage: { type: 'string' },
        region: { type: 'string', default: 'eu-central-1' }, // serverless.yml has the same.
        'dry-run': { type: 'boolean', default: false },
      },
    })
    const { stage, region, 'dry-run': dryRun } = values
    if (!stage) return '--stage is missing.'
    if (stage === 'local') return 'The stage local is migrated by npm start, as often as it starts.'
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
  // Read first, so that a secret that cannot be used is known before anything is done.
  const secrets = new SecretsManagerClient({ region })
  const password = parseAppSecret(await readSecret(secrets, outputs.appSecretArn))
  const applied = await migrate(database, { say })
  if (applied.length === 0) say('No migration to apply')
  await setUpAppRole(database, password, { ...SILENT, say })
  say('latchkey_app may log in with the password of its secret')
}

const say = (line: string) => process.stdout.write(`${line}\n`)

function messageOf(error: unknown): string {
  // Its message quotes what could not be read, which may be the answer that holds the secret.
  if (error instanceof SyntaxError) return 'AWS answered something that is not JSON.'
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
