import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { callProgram, type Program, runProgram, STAGE_OPTIONS } from '../command-line.ts'
import { MIGRATE } from './migrate.ts'
import { readParams } from './params.ts'
import { PREFLIGHT } from './preflight.ts'
import { hasDatabase, readStageTable } from './stage.ts'

const USAGE = `Migrates a stage's database, deploys the stage with the Serverless Framework, and migrates again:
a first deployment creates the database, and the previous release may store users meanwhile. With
--param signing=rs256 tokens are signed with an RSA key, which the migration creates if there is none.

  npm run deploy -- --stage S [--region R] [--aws-profile P] [--param name=value …] [--reset-params NAMES]
    [options of serverless deploy]

  --reset-params  names, comma-separated, whose --param of an earlier deployment this one may undo
`

/**
 * Returns the arguments of the framework and of the checks, and what the migrations need. Throws without a stage, or
 * if a parameter is malformed.
 */
function parse(args: string[]) {
  const { values, tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    options: {
      stage: { ...STAGE_OPTIONS.stage, short: 's' },
      region: { ...STAGE_OPTIONS.region, short: 'r' },
      param: { type: 'string', multiple: true },
      'aws-profile': { type: 'string' },
      'reset-params': { type: 'string', default: '' },
    },
  })
  const { stage, region, param = [], 'aws-profile': profile, 'reset-params': reset } = values
  if (typeof stage !== 'string' || typeof region !== 'string') {
    throw new Error('--stage is missing.')
  }
  const params = [param].flat().map(String)
  const { signing } = { ...readStageTable(stage), ...readParams(params) }
  // The framework does not know this option.
  const own = tokens.flatMap((token) => {
    if (token.kind !== 'option' || token.name !== 'reset-params') return []
    return token.inlineValue ? [token.index] : [token.index, token.index + 1]
  })
  return {
    deploy: args.filter((_, index) => !own.includes(index)),
    checks: [...params.flatMap((text) => ['--param', text]), `--reset-params=${reset}`],
    stage,
    region,
    signing,
    profile: profile?.toString(),
  }
}

/**
 * Makes the framework and the migrations use one account. Throws if a variable that only the framework knows
 * would choose its account.
 */
function chooseAccount(stage: string, profile: string | undefined): void {
  // Both prefer it to keys in the environment.
  if (profile) process.env['AWS_PROFILE'] = profile
  const prefix = `AWS_${stage.toUpperCase()}`
  const isChosen = process.env['AWS_PROFILE'] || process.env['AWS_ACCESS_KEY_ID']
  for (const name of [
    `${prefix}_PROFILE`,
    `${prefix}_ACCESS_KEY_ID`,
    ...(isChosen ? [] : ['AWS_DEFAULT_PROFILE']),
  ]) {
    if (!process.env[name]) continue
    throw new Error(
      `${name} would choose the account of the framework only. Unset it, and use AWS_PROFILE or --aws-profile.`,
    )
  }
}

/** Runs a command with this process's output, and returns its exit status. */
function spawn(command: string, args: readonly string[]): number {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}

/** `npm run deploy`, where `start` runs the framework with the arguments that it gets, as `spawn` does. */
export const createDeploy = (start = spawn): Program<ReturnType<typeof parse>> => ({
  usage: USAGE,
  failure: 'Not deployed',
  parse,
  async run(parsed, output) {
    const { deploy, checks, stage, region, signing, profile } = parsed
    chooseAccount(stage, profile)
    const args = ['--stage', stage, '--region', region]
    const migrate = () => callProgram(MIGRATE, [...args, '--signing', String(signing)], output)
    const isDeployed = await hasDatabase(stage, region)
    const ready = await callProgram(PREFLIGHT, [...args, ...checks], output)
    // New code needs the new schema.
    const migrated = ready || (isDeployed ? await migrate() : 0)
    return migrated || start('serverless', ['deploy', ...deploy]) || (await migrate())
  },
})

if (import.meta.main) await runProgram(createDeploy())
