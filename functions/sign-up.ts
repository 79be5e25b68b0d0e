import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import middy, { type Request } from '@middy/core'
import errorLogger from '@middy/error-logger'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { readConfig, type SigningKeySource } from '../lib/config.ts'
import { parseCredentials } from '../lib/credentials.ts'
import { describeFault } from '../lib/faults.ts'
import { readJsonBody } from '../lib/json-body.ts'
import { LogFormat } from '../lib/log-format.ts'
import { createPasswordHasher } from '../lib/passwords.ts'
import { createResponder, type Outcome } from '../lib/responses.ts'
import { readSecret } from '../lib/secrets.ts'
import { signUp } from '../lib/sign-up.ts'
import { fixedKey, type LoadKey, storedKey } from '../lib/signing-key.ts'
import { createTelemetry } from '../lib/telemetry.ts'
import { type Timings, timedDeps } from '../lib/timings.ts'
import { createTokenSigner } from '../lib/tokens.ts'
import { createUserStore } from '../lib/users.ts'

// Built once for the life of the process. A wrong environment throws here, before any request.
const config = readConfig(process.env)
const respond = createResponder(config)
const loadKey = keyFrom(config.signingKey)
// Begun now, so that a cold start reads the key while it does other work; a failure is the first request's.
loadKey().catch(() => {})
const deps = {
  hashPassword: createPasswordHasher({ cost: config.bcryptCost }),
  insertUser: createUserStore({ ...config, client: new RDSDataClient() }),
  loadTokenSigner: async () => createTokenSigner(await loadKey(), config.token),
}
const { serviceName } = config
const logger = new Logger({ serviceName, logFormatter: new LogFormat() })
const metrics = new Metrics({ serviceName, namespace: 'Latchkey' })
const telemetry = createTelemetry(logger, metrics)

function keyFrom(source: SigningKeySource): LoadKey {
  if ('secret' in source) return fixedKey(source.secret)
  const client = new SecretsManagerClient()
  return storedKey({
    read: () => readSecret(client, source.secretArn),
    refreshAfterMilliseconds: source.refreshSeconds * 1000,
  })
}

async function decide(event: APIGatewayProxyEventV2, timings: Timings): Promise<Outcome> {
  const body = readJsonBody(event)
  if (!body.ok) return body
  const parsed = parseCredentials(body.value, config)
  if (!parsed.ok) return parsed
  return signUp(parsed.credentials, timedDeps(deps, timings))
}

async function answerSignUp(
  event: APIGatewayProxyEventV2,
): Promise<APIGatewayProxyStructuredResultV2> {
  const timings: Timings = {}
  const outcome = await decide(event, timings)
  telemetry.recordOutcome(outcome, timings)
  return respond(outcome)
}

/** Assigned, not returned: an answer that an error hook returns would end the chain before its metrics. */
function answerFault(request: Request): void {
  request.response = respond({ ok: false, reason: describeFault(request.error).reason })
}

/** `POST /auth/sign-up` behind an API Gateway HTTP API, payload format 2.0. Never rejects. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  // Hooks for errors run last to first: a fault is logged and counted, answered, and the metrics flushed.
  .use(logMetrics(metrics, { captureColdStartMetric: true }))
  // Whatever POWERTOOLS_LOGGER_LOG_EVENT says: the event holds the password.
  .use(injectLambdaContext(logger, { logEvent: false }))
  .onError(answerFault)
  .use(errorLogger({ logger: ({ error }) => telemetry.recordFault(describeFault(error)) }))
  .handler(answerSignUp)
