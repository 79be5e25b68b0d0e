import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy, { type Request } from '@middy/core'
import errorLogger from '@middy/error-logger'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda'
import { readConfig, readServiceName } from '../lib/config.ts'
import { type CredentialsRules, parseCredentials } from '../lib/credentials.ts'
import { RESPONSE_MARGIN_MILLISECONDS, startDeadline } from '../lib/deadline.ts'
import { describeFault, type Fault } from '../lib/faults.ts'
import { readIdempotencyKey } from '../lib/idempotency-key.ts'
import { readJsonBody } from '../lib/json-body.ts'
import { LogFormat } from '../lib/log-format.ts'
import { type Outcome, respondToFault } from '../lib/responses.ts'
import { type Service, startService } from '../lib/service.ts'
import { type SignUpDeps, signUp } from '../lib/sign-up.ts'
import { createTelemetry } from '../lib/telemetry.ts'
import type { Timings } from '../lib/timings.ts'

let started: Service | undefined

/** The service, started by the first call that succeeds. Throws if the environment is invalid. */
function service(): Service {
  started ??= startService(readConfig(process.env))
  return started
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

/** The function with its log and metrics. Throws if Powertools rejects the environment. */
function createHandler() {
  const serviceName = readServiceName(process.env)
  const logger = new Logger({ serviceName, logFormatter: new LogFormat() })
  const metrics = new Metrics({ serviceName, namespace: 'Latchkey' })
  const telemetry = createTelemetry(logger, metrics)

  async function respond(event: APIGatewayProxyEventV2, context: Context) {
    const deadline = startDeadline(context.getRemainingTimeInMillis?.())
    const { config, depsFor, respond } = service()
    const timings: Timings = {}
    const outcome = await decide(event, config, depsFor(deadline, timings))
    telemetry.recordOutcome(outcome, timings)
    return respond(outcome)
  }

  /** Assigns the response: one that an error hook returns would end the chain before its metrics. */
  function respondToError(request: Request): void {
    request.response = respondToFault(describeFault(request.error).reason)
  }

  return (
    middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>({
      // Fallback timeout: fires if a step ignores the deadline, with half of the margin left to respond.
      timeoutEarlyInMillis: RESPONSE_MARGIN_MILLISECONDS / 2,
    })
      // Error hooks run last to first: the fault is logged and counted, the response set, the metrics flushed.
      .use(logMetrics(metrics, { captureColdStartMetric: true }))
      // Whatever POWERTOOLS_LOGGER_LOG_EVENT says: the event holds the password.
      .use(injectLambdaContext(logger, { logEvent: false }))
      .onError(respondToError)
      .use(errorLogger({ logger: ({ error }) => telemetry.recordFault(describeFault(error)) }))
      .handler(respond)
  )
}

/** Responds 500 to every request and logs `fault`, without Powertools. */
const rejectAll =
  ({ reason, ...signs }: Fault) =>
  async (_event: APIGatewayProxyEventV2, { awsRequestId: requestId }: Context) => {
    const line = { level: 'ERROR', message: 'fault', requestId, code: reason, ...signs }
    process.stderr.write(`${JSON.stringify(line)}\n`)
    return respondToFault(reason)
  }

function start() {
  let fault: unknown
  try {
    service()
  } catch (error) {
    // Each request tries again, and reports what is wrong.
    fault = error
  }
  try {
    return createHandler()
  } catch (error) {
    return rejectAll(describeFault(fault ?? error))
  }
}

/** `POST /auth/sign-up` behind an API Gateway HTTP API, payload format 2.0. Never rejects. */
export const handler = start()
