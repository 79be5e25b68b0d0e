import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy, { type Request } from '@middy/core'
import errorLogger from '@middy/error-logger'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda'
import { readConfig, readServiceName } from '../lib/config.ts'
import { type CredentialsRules, parseCredentials } from '../lib/credentials.ts'
import { ANSWER_MARGIN_MILLISECONDS, startDeadline } from '../lib/deadline.ts'
import { describeFault } from '../lib/faults.ts'
import { readIdempotencyKey } from '../lib/idempotency-key.ts'
import { readJsonBody } from '../lib/json-body.ts'
import { LogFormat } from '../lib/log-format.ts'
import { takeUnreadable } from '../lib/powertools-variables.ts'
import { type Outcome, respondToFault } from '../lib/responses.ts'
import { type Service, startService } from '../lib/service.ts'
import { type SignUpDeps, signUp } from '../lib/sign-up.ts'
import { createTelemetry } from '../lib/telemetry.ts'
import type { Timings } from '../lib/timings.ts'

// Powertools reads some variables by itself, and would throw at one that it cannot read.
const unreadable = takeUnreadable(process.env)
const serviceName = readServiceName(process.env)
const logger = new Logger({ serviceName, logFormatter: new LogFormat() })
const metrics = new Metrics({ serviceName, namespace: 'Latchkey' })
const telemetry = createTelemetry(logger, metrics)

let started: Service | undefined

/** Starts it, unless it has been started. Throws at a wrong environment, and nothing of it stays. */
function service(): Service {
  started ??= startService(readConfig(process.env, unreadable))
  return started
}

try {
  service()
} catch {
  // Each request tries again, and answers and logs what is wrong.
}

async function decide(
  event: APIGatewayProxyEventV2,
  rules: CredentialsRules,
  deps: SignUpDeps,
): Promise<Outcome> {
  const key = readIdempotencyKey(event.headers)
  if (!key.ok) return key
  const body = readJsonBody(event)
  if (!body.ok) return body
  const parsed = parseCredentials(body.value, rules)
  if (!parsed.ok) return parsed
  return signUp({ ...parsed.credentials, idempotencyKeySha256: key.sha256 }, deps)
}

async function answerSignUp(
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<APIGatewayProxyStructuredResultV2> {
  const deadline = startDeadline(context.getRemainingTimeInMillis?.())
  const { config, depsFor, respond } = service()
  const timings: Timings = {}
  const outcome = await decide(event, config, depsFor(deadline, timings))
  telemetry.recordOutcome(outcome, timings)
  return respond(outcome)
}

/** Assigned, not returned: an answer that an error hook returns would end the chain before its metrics. */
function answerFault(request: Request): void {
  request.response = respondToFault(describeFault(request.error).reason)
}

/** `POST /auth/sign-up` behind an API Gateway HTTP API, payload format 2.0. Never rejects. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>({
  // The net below the deadline, for what that does not bound: half of the margin is left to answer in.
  timeoutEarlyInMillis: ANSWER_MARGIN_MILLISECONDS / 2,
})
  // Hooks for errors run last to first: a fault is logged and counted, answered, and the metrics flushed.
  .use(logMetrics(metrics, { captureColdStartMetric: true }))
  // Whatever POWERTOOLS_LOGGER_LOG_EVENT says: the event holds the password.
  .use(injectLambdaContext(logger, { logEvent: false }))
  .onError(answerFault)
  .use(errorLogger({ logger: ({ error }) => telemetry.recordFault(describeFault(error)) }))
  .handler(answerSignUp)
