import { parseArgs } from 'node:util'
import { type Output, type Program, runProgram, STAGE_OPTIONS } from '../command-line.ts'
import { readTemplate } from './stage.ts'

/** The key of a deployment's zip. Its folder begins with the argument of `serverless rollback --timestamp`. */
const CODE_KEY = /^serverless\/latchkey\/[^/]+\/(\d+)-[^/]+\//

/**
 * Reads the timestamp of the deployment that a stack runs from the stack's own template; `undefined` if it has no
 * function yet. `serverless deploy list` also lists deployments that failed.
 */
export function liveDeployment(template: unknown): string | undefined {
  const resources = Object.values(Object(Object(template).Resources)).map(Object)
  const lambda = resources.find(({ Type }) => Type === 'AWS::Lambda::Function')
  if (lambda === undefined) return undefined
  const key: unknown = lambda.Properties?.Code?.S3Key
  const timestamp = typeof key === 'string' ? CODE_KEY.exec(key)?.[1] : undefined
  if (timestamp !== undefined) return timestamp
  throw new Error("The stack's function was not deployed by this service.")
}

function parse(args: string[]) {
  const { stage, region } = parseArgs({ args, options: STAGE_OPTIONS }).values
  if (!stage) throw new Error('--stage is missing.')
  return { stage, region }
}

type Arguments = ReturnType<typeof parse>

async function run({ stage, region }: Arguments, { say }: Output): Promise<void> {
  const timestamp = liveDeployment(await readTemplate(stage, region))
  if (timestamp !== undefined) say(timestamp)
}

const usage = 'Usage: npm run live-deployment -- --stage S [--region R]\n'
const failure = 'The running deployment is unknown'
/** `npm run live-deployment`. */
export const LIVE_DEPLOYMENT: Program<Arguments> = { usage, failure, parse, run }

if (import.meta.main) await runProgram(LIVE_DEPLOYMENT)
