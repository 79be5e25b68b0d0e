import { RDSDataClient } from '@aws-sdk/client-rds-data'
import middy, { type Request } from '@middy/core'
import errorLogger from '@middy/error-logger'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { readConfig } from '../lib/config.ts'
import { parseCredentials } from '../lib/credentials.ts'
import { describeFault } from '../lib/faults.ts'
import { readJsonBody } from '../lib/json-body.ts'
import { createPasswordHasher } from '../lib/passwords.ts'
import { createResponder } from '../lib/responses.ts'
import { signUp } from '../lib/sign-up.ts'
import { createTokenSigner } from '../lib/tokens.ts'
import { createUserStore } from '../lib/users.ts'

// Built once for the life of the process. A wrong environment throws here, before any request.
const config = readConfig(process.env)
const respond = createResponder(config)
const deps = {
  hashPassword: createPasswordHasher({ cost: config.bcryptCost }),
  insertUser: createUserStore({ ...config, client: new RDSDataClient() }),
  signToken: createTokenSigner(config.token),
}

async function answerSignUp(
  event: APIGatewayProxyEventV2,
): Promise<APIGatewayProxyStructuredResultV2> {
  const body = readJsonBody(event)
  if (!body.ok) return respond(body)
  const parsed = parseCredentials(body.value, config)
  if (!parsed.ok) return respond(parsed)
  return respond(await signUp(parsed.credentials, deps))
}

/** middy's own default would print the whole error, and an error can hold the request's body. */
function logFault({ error, context }: Request): void {
  const fault = { level: 'ERROR', requestId: context.awsRequestId, ...describeFault(error) }
  process.stderr.write(`${JSON.stringify(fault)}\n`)
}

/** `POST /auth/sign-up` behind an API Gateway HTTP API, payload format 2.0. Never rejects. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  // Hooks for errors run last to first: the fault is logged, then answered.
  .onError(({ error }) => respond({ ok: false, reason: describeFault(error).reason }))
  .use(errorLogger({ logger: logFault }))
  .handler(answerSignUp)
