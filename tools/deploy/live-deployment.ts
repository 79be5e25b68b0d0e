import { parseArgs } from 'node:util'
import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation'

/**
 * Where the framework puts a deployment's files: the folder's first part is the number that
 * `serverless rollback --timestamp` takes.
 */
const CODE_KEY = /^serverless\/latchkey\/[^/]+\/(\d+)-[^/]+\//

/**
 * The timestamp of the deployment that a stack runs, by the stack's own template, or `undefined` where
 * it runs none yet. `serverless deploy list` cannot tell: it lists deployments that failed, too.
 */
export function liveDeployment(templateBody: string): string | undefined {
  const template: unknown = JSON.parse(templateBody)
  for (const resource of Object.values(record(record(template)['Resources']))) {
    const { Type: type, Properties: properties } = record(resource)
    if (type !== 'AWS::Lambda::Function') continue
    const key = record(record(properties)['Code'])['S3Key']
    const timestamp = typeof key === 'string' ? CODE_KEY.exec(key)?.[1] : undefined
    if (timestamp !== undefined) return timestamp
    throw new Error('The function of the stack was not deployed by this service: whose code is it?')
  }
  return undefined
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

/** The stack's template as it was deployed, or `undefined` if there is no such stack. */
async function readTemplate(stackName: string, region: string): Promise<string | undefined> {
  const client = new CloudFormationClient({ region })
  try {
    const { TemplateBody } = await client.send(new GetTemplateCommand({ StackName: stackName }))
    return TemplateBody
  } catch (error) {
    // CloudFormation has no code of its own for it, only this class and this text.
    const isMissing = error instanceof Error && error.name === 'ValidationError'
    if (isMissing && error.message.includes('does not exist')) return undefined
    throw error
  } finally {
    client.destroy()
  }
}

async function main(): Promise<void> {
  const { stage, region } = parseArgs({
    options: { stage: { type: 'string' }, region: { type: 'string', default: 'eu-central-1' } },
  }).values
  if (!stage) throw new Error('Usage: npm run live-deployment -- --stage S [--region R]')
  const template = await readTemplate(`latchkey-${stage}`, region)
  const timestamp = template === undefined ? undefined : liveDeployment(template)
  process.stdout.write(timestamp === undefined ? '' : `${timestamp}\n`)
}

if (import.meta.main) {
  try {
    await main()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
