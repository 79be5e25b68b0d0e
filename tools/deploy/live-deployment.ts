import { parseArgs } from 'node:util'
import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation'

/** The key of a deployment's zip. Its folder begins with what `serverless rollback --timestamp` takes. */
const CODE_KEY = /^serverless\/latchkey\/[^/]+\/(\d+)-[^/]+\//

/**
 * The timestamp of the deployment that a stack runs, from the stack's own template; `undefined` if it has no
 * function yet. `serverless deploy list` also lists deployments that failed.
 */
export function liveDeployment(templateBody: string): string | undefined {
  const template: unknown = JSON.parse(templateBody)
  const resources = Object.values(Object(Object(template).Resources)).map(Object)
  const lambda = resources.find(({ Type }) => Type === 'AWS::Lambda::Function')
  if (lambda === undefined) return undefined
  const key: unknown = lambda.Properties?.Code?.S3Key
  const timestamp = typeof key === 'string' ? CODE_KEY.exec(key)?.[1] : undefined
  if (timestamp !== undefined) return timestamp
  throw new Error("The stack's function was not deployed by this service.")
}

async function main(): Promise<void> {
  const { stage, region } = parseArgs({
    options: { stage: { type: 'string' }, region: { type: 'string', default: 'eu-central-1' } },
  }).values
  if (!stage) throw new Error('Usage: npm run live-deployment -- --stage S [--region R]')
  const client = new CloudFormationClient({ region })
  const command = new GetTemplateCommand({ StackName: `latchkey-${stage}` })
  const template = await client.send(command).then(
    ({ TemplateBody }) => TemplateBody,
    (error: Error) => {
      // CloudFormation has no class of its own for a stack that does not exist.
      const isMissing = error.name === 'ValidationError' && error.message.includes('does not exist')
      if (!isMissing) throw error
    },
  )
  const timestamp = liveDeployment(template ?? '{}')
  process.stdout.write(timestamp === undefined ? '' : `${timestamp}\n`)
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
}
