import { parseArgs } from 'node:util'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { readSecret } from '../../lib/secrets.ts'
import { parseAppSecret, setUpAppRole } from './app-role.ts'
import { runProgram, say } from './command-line.ts'
import { migrate } from './schema.ts'
import { openStageDatabase, readStackOutputs } from './stage.ts'

const USAGE = `Applies migrations/*.sql to a deployed stage's database, each file once, and sets the password of
the function's role from its secret. It is safe to repeat.

  npm run migrate -- --stage S [--region R] [--dry-run]

  --stage S    a deployed stage, such as dev; needs AWS credentials
  --region R   where the stage is (default: eu-central-1)
  --dry-run    prints what would be done, and does nothing
`

function parse(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      stage: { type: 'string' },
      region: { type: 'string', default: 'eu-central-1' }, // As in serverless.yml.
      'dry-run': { type: 'boolean', default: false },
    },
  })
  const { stage, region, 'dry-run': dryRun } = values
  if (!stage) throw new Error('--stage is missing.')
  if (stage === 'local') {
    throw new Error('npm start migrates the stage local each time it starts.')
  }
  return { stage, region, dryRun }
}

async function run({ stage, region, dryRun }: ReturnType<typeof parse>): Promise<void> {
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

await runProgram({ usage: USAGE, failure: 'The migration failed', parse, run })
