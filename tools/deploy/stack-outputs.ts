import {
  CloudFormationClient,
  DescribeStacksCommand,
  type Output,
} from '@aws-sdk/client-cloudformation'

/** What a deployed stage says of itself: its stack's outputs. */
export interface StackOutputs {
  readonly signUpUrl: string
  readonly clusterArn: string
  readonly masterSecretArn: string
  readonly appSecretArn: string
  readonly jwtSecretArn: string
  readonly databaseName: string
}

/** As CloudFormation has it for the whole name, whose first part is ours. */
const STAGE = /^[A-Za-z0-9-]{1,64}$/

/**
 * Reads the outputs of the stack `latchkey-<stage>`. Rejects with a sentence for people if the stage
 * cannot be one, is not deployed in that region, or lacks an output; with the SDK's error otherwise.
 */
export async function readStackOutputs(stage: string, region: string): Promise<StackOutputs> {
  if (!STAGE.test(stage)) {
    throw new Error(`A stage is named with letters, digits and hyphens, unlike "${stage}".`)
  }
  const stackName = `latchkey-${stage}`
  const outputs = await describeStack(stackName, region)
  if (outputs === undefined) {
    throw new Error(
      `There is no stack ${stackName} in ${region}. Deploy it first: npm run deploy -- --stage ${stage}`,
    )
  }
  const output = (key: string): string => {
    const value = outputs.find(({ OutputKey }) => OutputKey === key)?.OutputValue
    if (value) return value
    throw new Error(`The stack ${stackName} has no output ${key}. Deploy it again, and to the end.`)
  }
  return {
    signUpUrl: output('SignUpUrl'),
    clusterArn: output('ClusterArn'),
    masterSecretArn: output('MasterSecretArn'),
    appSecretArn: output('AppSecretArn'),
    jwtSecretArn: output('JwtSecretArn'),
    databaseName: output('DatabaseName'),
  }
}

/** The stack's outputs, or `undefined` if there is no such stack. */
async function describeStack(
  stackName: string,
  region: string,
): Promise<readonly Output[] | undefined> {
  const client = new CloudFormationClient({ region })
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }))
    return Stacks?.[0]?.Outputs ?? []
  } catch (error) {
    // CloudFormation has no class of its own for it; the name is valid, so this is what is left.
    if (error instanceof Error && error.name === 'ValidationError') return undefined
    throw error
  } finally {
    client.destroy()
  }
}
