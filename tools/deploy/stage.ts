import { readFileSync } from 'node:fs'
import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
  type Output,
} from '@aws-sdk/client-cloudformation'
import { DescribeDBClustersCommand, RDSClient } from '@aws-sdk/client-rds'
import { parse } from 'yaml'
import type { Algorithm } from '../../lib/adapters/signing-key.ts'
import { type Database, openDataApiDatabase } from '../database/data-api-database.ts'

/** The outputs of a deployed stage's stack. */
interface StackOutputs {
  readonly signUpUrl: string
  readonly clusterArn: string
  readonly appSecretArn: string
  readonly jwtSecretArn: string
  readonly jwtAlgorithm: Algorithm
  readonly jwtTtlSeconds: number
  readonly databaseName: string
  readonly bcryptCost: number
  readonly sessionMaxDays: number
}

/** CloudFormation allows these characters in a stack's name. */
const STAGE = /^[A-Za-z0-9-]{1,64}$/

/**
 * Reads the outputs of the stack `latchkey-<stage>`. Rejects with an error to show if the name is invalid,
 * the stage is not deployed in that region, or an output is missing; otherwise with the SDK's error.
 */
export async function readStackOutputs(stage: string, region: string): Promise<StackOutputs> {
  const stackName = stackNameOf(stage)
  const outputs = await describeStack(stackName, region)
  if (outputs === undefined) {
    throw new Error(
      `There is no stack ${stackName} in ${region}. Deploy it first: npm run deploy -- --stage ${stage}`,
    )
  }
  const find = (key: string) => outputs.find(({ OutputKey }) => OutputKey === key)?.OutputValue
  const output = (key: string): string => {
    const value = find(key)
    if (value) return value
    throw new Error(`The stack ${stackName} has no output ${key}. Deploy it again.`)
  }
  return {
    signUpUrl: output('SignUpUrl'),
    clusterArn: output('ClusterArn'),
    appSecretArn: output('AppSecretArn'),
    jwtSecretArn: output('JwtSecretArn'),
    // A release without these outputs signs with HS256 only, and hashes with cost 12 by default.
    jwtAlgorithm: find('JwtAlgorithm') === 'RS256' ? 'RS256' : 'HS256',
    jwtTtlSeconds: Number(find('JwtTtlSeconds') ?? 3600),
    databaseName: output('DatabaseName'),
    bcryptCost: Number(find('BcryptCost') ?? 12),
    sessionMaxDays: Number(find('SessionMaxDays') ?? 30),
  }
}

/**
 * Returns whether the stage has a database: its stack exists, and its first deployment did not fail. Rejects with
 * the SDK's error.
 */
export async function hasDatabase(stage: string, region: string): Promise<boolean> {
  const outputs = await describeStack(stackNameOf(stage), region)
  return outputs?.some(({ OutputKey }) => OutputKey === 'ClusterArn') ?? false
}

/**
 * Reads the id of the HTTP API that the stage's deploy role is restricted to; `*` for none, and `undefined` without
 * a stack of the role. Rejects with the SDK's error.
 */
export async function readRoleApiId(stage: string, region: string): Promise<string | undefined> {
  const outputs = await describeStack(stackNameOf(`deploy-role-${stage}`), region)
  return outputs?.find(({ OutputKey }) => OutputKey === 'ApiId')?.OutputValue
}

/**
 * Opens a deployed stage's database as its master, the only role that may migrate it and delete from it. RDS names
 * the master's secret: after a restore the stack's output names that of the previous cluster.
 */
export async function openStageDatabase(
  { clusterArn, databaseName }: StackOutputs,
  region: string,
): Promise<Database> {
  const client = new RDSClient({ region })
  const command = new DescribeDBClustersCommand({ DBClusterIdentifier: clusterArn })
  const { DBClusters } = await client.send(command).finally(() => client.destroy())
  const secretArn = DBClusters?.[0]?.MasterUserSecret?.SecretArn
  if (secretArn) {
    return openDataApiDatabase({ client: { region }, clusterArn, secretArn, databaseName })
  }
  throw new Error(
    `RDS does not keep the master's password of ${clusterArn}: aws rds modify-db-cluster --manage-master-user-password.`,
  )
}

/**
 * Reads the parameters of a stage in resources/stages.yml as the framework does: its own before the default ones.
 * Throws if the table has no such stage.
 */
export function readStageTable(stage: string): Readonly<Record<string, unknown>> {
  const file = new URL('../../resources/stages.yml', import.meta.url)
  const table: Readonly<Record<string, unknown>> = Object(parse(readFileSync(file, 'utf8')))
  if (Object.hasOwn(table, stage) && stage !== 'default') {
    return { ...Object(table['default']), ...Object(table[stage]) }
  }
  const known = Object.keys(table).filter((name) => name !== 'default')
  throw new Error(
    `resources/stages.yml has no stage "${stage}", but ${known.join(', ')}. Add a row for it: that of dev is one to copy.`,
  )
}

/**
 * Reads the template that the stage's stack runs, with its parameters filled in; `undefined` if there is no stack.
 * Rejects with the SDK's error.
 */
export async function readTemplate(stage: string, region: string): Promise<unknown> {
  const client = new CloudFormationClient({ region })
  const command = new GetTemplateCommand({ StackName: stackNameOf(stage) })
  try {
    return JSON.parse((await client.send(command)).TemplateBody ?? 'null')
  } catch (error) {
    // CloudFormation has no class of its own for a stack that does not exist.
    const { name, message } = Object(error)
    if (name === 'ValidationError' && message.includes('does not exist')) return undefined
    throw error
  } finally {
    client.destroy()
  }
}

/** Throws if the stage's name is invalid. */
function stackNameOf(stage: string): string {
  if (STAGE.test(stage)) return `latchkey-${stage}`
  throw new Error(`A stage is named with letters, digits and hyphens, unlike "${stage}".`)
}

/** Resolves with the stack's outputs, or `undefined` if there is no such stack. */
async function describeStack(
  stackName: string,
  region: string,
): Promise<readonly Output[] | undefined> {
  const client = new CloudFormationClient({ region })
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }))
    return Stacks?.[0]?.Outputs ?? []
  } catch (error) {
    // The name is valid, so this class can only mean "does not exist".
    if (error instanceof Error && error.name === 'ValidationError') return undefined
    throw error
  } finally {
    client.destroy()
  }
}
