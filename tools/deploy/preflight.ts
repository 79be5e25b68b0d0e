import { parseArgs } from 'node:util'
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda'
import {
  DBClusterNotFoundFault,
  DescribeDBClustersCommand,
  paginateDescribeDBEngineVersions,
  RDSClient,
} from '@aws-sdk/client-rds'
import { type Output, type Program, runProgram, STAGE_OPTIONS } from '../command-line.ts'
import { checkParams, readParams } from './params.ts'
import { checkIssuer, checkOrigins, type Settings } from './settings.ts'
import { readRoleApiId, readStageTable, readTemplate } from './stage.ts'

const USAGE = `Checks a deployment before it changes anything: the stage's settings, the parameters of the last deployment, the
room in the Lambda quota, and whether RDS accepts engineVersion. Warns if the deploy role is not restricted to the
stage's own API.

  node tools/deploy/preflight.ts --stage S [--region R] [--param name=value …] [--reset-params NAMES]

  --param         as of the deployment
  --reset-params  names, comma-separated, whose --param of an earlier deployment this one may undo
`

/** Options of the command line, for `parseArgs`. */
export const PREFLIGHT_OPTIONS = {
  ...STAGE_OPTIONS,
  param: { type: 'string', multiple: true },
  'reset-params': { type: 'string', default: '' },
} as const

function parse(args: string[]) {
  const { values } = parseArgs({ args, options: PREFLIGHT_OPTIONS })
  const { stage, region, param = [], 'reset-params': reset } = values
  if (!stage) throw new Error('--stage is missing.')
  const given = readParams(param)
  const settings: Settings = { ...readStageTable(stage), ...given }
  return { stage, region, given, settings, reset: reset.split(',') }
}

type Arguments = ReturnType<typeof parse>

async function run(parsed: Arguments, { complain }: Output): Promise<void> {
  const { stage, region, settings } = parsed
  checkIssuer(settings)
  checkOrigins(settings)
  const template = await readTemplate(stage, region)
  checkParams(template, parsed)
  await checkQuota(region, template, settings)
  await checkEngineVersion(stage, region, String(settings['engineVersion']))
  // An operator may deploy without the right to read the role's stack.
  const apiId = await readRoleApiId(stage, region).catch(() => '*')
  if (apiId !== '*') return
  // GitHub shows a line with this prefix on the page of the run.
  const prefix = process.env['GITHUB_ACTIONS'] ? '::warning::' : 'Warning: '
  complain(
    `${prefix}The deploy role of ${stage} is not restricted to the stage's own API, or its stack cannot be read. After the first deployment, update its stack with ApiId (docs/deploy.md).\n`,
  )
}

/** Concurrent executions that AWS keeps unreserved in every account. */
const UNRESERVED_LEAST = 100

/**
 * Throws if the account's Lambda quota has no room for what the stage reserves beyond the deployed template. The
 * deployment would fail at its end; a first one would leave prod's protected cluster outside the stack.
 */
async function checkQuota(
  region: string,
  template: unknown,
  { reservedConcurrency = 0 }: Settings,
): Promise<void> {
  const { Properties } = Object(Object(template).Resources?.AuthLambdaFunction)
  const more = Number(reservedConcurrency) - Number(Properties?.ReservedConcurrentExecutions ?? 0)
  if (more <= 0) return
  const client = new LambdaClient({ region })
  const { AccountLimit } = await client
    .send(new GetAccountSettingsCommand({}))
    .finally(() => client.destroy())
  const { UnreservedConcurrentExecutions: unreserved = 0 } = AccountLimit ?? {}
  if (unreserved - more >= UNRESERVED_LEAST) return
  throw new Error(
    `${unreserved} concurrent executions of the account's Lambda quota are unreserved in ${region}. The stage would reserve ${more} more, and ${UNRESERVED_LEAST} must stay. Request a higher quota, or change reservedConcurrency in the stage's row in resources/stages.yml (docs/deploy.md).`,
  )
}

/** Compares versions part by part: 16.9 is before 16.13. */
const { compare } = new Intl.Collator('en', { numeric: true })

/**
 * Throws if the stage's cluster is past the version, since Aurora cannot return to an earlier one, or if the cluster
 * does not run it and the region no longer offers it.
 */
async function checkEngineVersion(stage: string, region: string, version: string): Promise<void> {
  const client = new RDSClient({ region })
  try {
    const running = await findRunningVersion(client, `latchkey-${stage}`)
    if (running === version) return
    if (running !== undefined && compare(running, version) > 0) {
      throw new Error(
        `The cluster latchkey-${stage} runs Aurora PostgreSQL ${running}, and the stage's engineVersion is ${version}: Aurora cannot go back. Set engineVersion: "${running}" in resources/stages.yml (docs/deploy.md).`,
      )
    }
    const offered: string[] = []
    const pages = paginateDescribeDBEngineVersions({ client }, { Engine: 'aurora-postgresql' })
    for await (const { DBEngineVersions = [] } of pages) {
      offered.push(...DBEngineVersions.map(({ EngineVersion = '' }) => EngineVersion))
    }
    if (offered.includes(version)) return
    throw new Error(
      `${region} does not offer Aurora PostgreSQL ${version}, but ${offered.toSorted(compare).join(', ') || 'none'}. Set engineVersion in resources/stages.yml (docs/deploy.md).`,
    )
  } finally {
    client.destroy()
  }
}

/** Resolves with the version that the cluster runs, or `undefined` if there is no such cluster. */
async function findRunningVersion(client: RDSClient, name: string): Promise<string | undefined> {
  const command = new DescribeDBClustersCommand({ DBClusterIdentifier: name })
  try {
    return (await client.send(command)).DBClusters?.[0]?.EngineVersion
  } catch (error) {
    if (error instanceof DBClusterNotFoundFault) return undefined
    throw error
  }
}

/** Checks of `npm run deploy` and of the pipeline, before anything changes. */
export const PREFLIGHT: Program<Arguments> = { usage: USAGE, failure: 'Not ready', parse, run }

if (import.meta.main) await runProgram(PREFLIGHT)
