import { parseArgs } from 'node:util'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { readSecret } from '../../lib/adapters/secrets.ts'
import type { Algorithm } from '../../lib/adapters/signing-key.ts'
import { type Output, type Program, runProgram, STAGE_OPTIONS } from '../command-line.ts'
import { migrate } from '../database/schema.ts'
import { parseAppSecret, setUpAppRole } from './app-role.ts'
import {
  checkSigningKey,
  describeSecret,
  fitSigningKey,
  openSigningSecret,
  retireFormerKey,
} from './signing-secret.ts'
import { openStageDatabase, readStackOutputs, readStageTable } from './stage.ts'

const USAGE = `Applies migrations/*.sql to a deployed stage's database, each file once, sets the password of the
function's role from its secret, and stores a signing key if the current one has another algorithm. If the deployed
release cannot sign with the current one, the previous key becomes current again. It removes the previous key if that
has another algorithm and its tokens have expired. It is safe to repeat.

  npm run migrate -- --stage S [--region R] [--signing A] [--rename-collisions] [--dry-run]

  --stage S    a deployed stage, such as dev; needs AWS credentials
  --region R   where the stage is (default: eu-central-1)
  --signing A  hs256 or rs256, the algorithm of the next deployment (default: as in resources/stages.yml)
  --dry-run    prints the steps, and changes nothing; prints the names of users whose names collide
  --rename-collisions
               where names collide, keeps that of the oldest user, renames the others and prints their names
`

/**
 * Calls `work` with a signal that aborts on SIGINT or SIGTERM, so that the open transaction is rolled back before
 * the process ends.
 */
async function untilEndOfProcess<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const abort = (name: string) =>
    controller.abort(new Error(`${name}: the open transaction is rolled back. Run it again.`))
  const names = ['SIGINT', 'SIGTERM'] as const
  for (const name of names) process.once(name, abort)
  try {
    const result = await work(controller.signal)
    controller.signal.throwIfAborted()
    return result
  } finally {
    for (const name of names) process.off(name, abort)
  }
}

function parse(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      ...STAGE_OPTIONS,
      signing: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      'rename-collisions': { type: 'boolean', default: false },
    },
  })
  const { stage, region, signing, 'dry-run': dryRun } = values
  const renameCollisions = values['rename-collisions']
  if (!stage) throw new Error('--stage is missing.')
  if (stage === 'local') {
    throw new Error('npm start migrates the stage local each time it starts.')
  }
  const wanted = algorithmOf(signing ?? readStageTable(stage)['signing'])
  return { stage, region, dryRun, renameCollisions, wanted }
}

function algorithmOf(signing: unknown): Algorithm {
  if (signing === 'hs256') return 'HS256'
  if (signing === 'rs256') return 'RS256'
  throw new Error(`The parameter signing is hs256 or rs256, not ${signing}.`)
}

type Arguments = ReturnType<typeof parse>

async function run(
  { stage, region, dryRun, renameCollisions, wanted }: Arguments,
  say: Output['say'],
  signal: AbortSignal,
): Promise<void> {
  const outputs = await readStackOutputs(stage, region)
  const secrets = new SecretsManagerClient({ region })
  const signingSecret = openSigningSecret(secrets, outputs.jwtSecretArn)
  const { jwtAlgorithm: algorithm, jwtTtlSeconds: tokenSeconds } = outputs
  const setUpSigningKey = async () => [
    ...(await fitSigningKey(signingSecret, { deployed: algorithm, wanted }, { dryRun })),
    ...(await retireFormerKey(signingSecret, { algorithm, tokenSeconds }, { dryRun })),
  ]
  const database = await openStageDatabase(outputs, region)
  say(`latchkey-${stage} in ${region}, database ${outputs.databaseName}`)
  // Before anything is changed, here and, in a deployment, in the stack.
  await checkSigningKey(signingSecret)
  await describeSecret(secrets, outputs.appSecretArn)
  const password = parseAppSecret(await readSecret(secrets, outputs.appSecretArn))
  if (dryRun) {
    const pending = await migrate(database, { dryRun, renameCollisions, say, signal })
    if (pending.length === 0) say('No migration to apply')
    say('Would set the password of latchkey_app from its secret')
    for (const step of await setUpSigningKey()) say(`Would ${step}`)
    return
  }
  const applied = await migrate(database, { renameCollisions, say, signal })
  if (applied.length === 0) say('No migration to apply')
  await setUpAppRole(database, password, { say, signal })
  say('Set the password of latchkey_app from its secret')
  for (const step of await setUpSigningKey()) say(`Signing key: ${step}`)
}

/** `npm run migrate`. */
export const MIGRATE: Program<Arguments> = {
  usage: USAGE,
  failure: 'The migration failed',
  parse,
  run: (parsed, { say }) => untilEndOfProcess((signal) => run(parsed, say, signal)),
}

if (import.meta.main) await runProgram(MIGRATE)
