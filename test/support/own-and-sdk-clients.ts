import type { TestContext } from 'node:test'
import { type BuildOptions, build } from 'esbuild'
import { OWN_CLIENTS } from '../../tools/build/bundle.ts'
import { SECRET_KEY } from './sdk-endpoint.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** The calls that the function makes, each with what came of it. What is undefined is as good as absent. */
const CALLS = `
  import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
  import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

  const call = (Client, Command) => async (input, options, abortSignal) => {
    const client = new Client(options)
    const plain = (value) => JSON.parse(JSON.stringify(value))
    try {
      const { $metadata: { httpStatusCode, requestId }, ...output } =
        await client.send(new Command(input), { abortSignal })
      return plain({ httpStatusCode, requestId, output })
    } catch (error) {
      const { name, message, code, $fault, $metadata: { httpStatusCode, requestId } = {} } = error
      const isError = error instanceof Error
      // To a SyntaxError's message the SDK adds a line on its hidden fields.
      const [line] = message.split('\\n')
      return plain({ isError, name, line, code, $fault, httpStatusCode, requestId })
    } finally {
      client.destroy()
    }
  }
  export const execute = call(RDSDataClient, ExecuteStatementCommand)
  export const getSecret = call(SecretsManagerClient, GetSecretValueCommand)`

/** Resolves with what the call's output or error tells. */
export type Call = (input: object, options: object, abortSignal?: AbortSignal) => Promise<object>
export type Calls = Readonly<Record<'execute' | 'getSecret', Call>>

/** Inputs of the two calls. */
export const STATEMENT = {
  resourceArn: 'arn:cluster',
  secretArn: 'arn:secret',
  database: undefined,
  sql: 'SELECT :name',
  parameters: [{ name: 'name', value: { stringValue: 'Zoë "😀"\n' } }],
}
export const SECRET = { SecretId: 'arn:jwt' }

/** The calls over the clients as the bundle has them, and over the SDK's; both go where AWS_ENDPOINT_URL says. */
export const loadBoth = (t: TestContext) =>
  Promise.all([load(t, { alias: OWN_CLIENTS }), load(t, {})])

async function load(t: TestContext, options: BuildOptions): Promise<Calls> {
  const outfile = `${temporaryFolder(t)}/calls.cjs`
  await build({
    stdin: { contents: CALLS, resolveDir: import.meta.dirname },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    ...options,
  })
  return import(outfile)
}

Object.assign(process.env, {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: SECRET_KEY,
  AWS_SESSION_TOKEN: 'token',
  // As on Lambda: the SDK asks for both before it sends a trace on.
  AWS_LAMBDA_FUNCTION_NAME: 'signUp',
  _X_AMZN_TRACE_ID: 'Root=1-67891233-abcdef012345678912345678;Sampled=1',
})
