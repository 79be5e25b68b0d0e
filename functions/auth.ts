import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy, { type Request } from '@middy/core'
import errorLogger from '@middy/error-logger'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda'
import { compose } from '../lib/composition.ts'
import { type Config, readConfig, readServiceName, readServiceVersion } from '../lib/config.ts'
import { RESPONSE_MARGIN_MILLISECONDS, startDeadline } from '../lib/faults/deadline.ts'
import { describeFault, type Fault } from '../lib/faults/faults.ts'
import { LogFormat } from '../lib/http/log-format.ts'
import { createResponder, respondToFault } from '../lib/http/responses.ts'
import { createTelemetry } from '../lib/http/telemetry.ts'
import type { Timings } from '../lib/http/timings.ts'
import { ROUTES } from './routes.ts'

type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>

/**
 * Creates the handler of {@link ROUTES} behind an API Gateway HTTP API, payload format 2.0. It never rejects. The
 * service starts with the first call of `readSettings` that succeeds; until then each request calls it again.
 */
export function createHandler(readSettings: () => Config): Handler {
  let started: Service | undefined
  const service = () => {
    started ??= startService(readSettings())
    return started
  }
  let startError: unknown
  try {
    service()
  } catch (error) {
    // Each request tries again, and reports the problem.
    startError = error
  }
  try {
    return createChain(service)
  } catch (error) {
    return rejectAll(describeFault(startError ?? error))
  }
}

type Service = ReturnType<typeof startService>

function startService(config: Config) {
  return { config, createDeps: compose(config), respond: createResponder(config) }
}

/** Creates the middy chain with log and metrics. Throws if Powertools rejects the environment. */
function createChain(service: () => Service) {
  const serviceName = readServiceName(process.env)
  const logger = new Logger({
    serviceName,
    logFormatter: new LogFormat(),
    persistentKeys: { version: readServiceVersion(process.env) },
  })
  const metrics = new Metrics({ serviceName, namespace: 'Latchkey' })
  const telemetry = createTelemetry(logger, metrics)
  /** The durations of each request so far, for the log line of a server error. */
  const timingsOf = new WeakMap<object, Timings>()

  async function respond(event: APIGatewayProxyEventV2, context: Context) {
    const deadline = startDeadline(context.getRemainingTimeInMillis?.())
    const { config, createDeps, respond } = service()
    const route = Object.hasOwn(ROUTES, event.routeKey) ? ROUTES[event.routeKey] : undefined
    if (route === undefined) throw new TypeError('The event belongs to no route of this function.')
    const timings: Timings = {}
    timingsOf.set(event, timings)
    const deps = createDeps(deadline, timings)
    const outcome = await route(event, deps, config)
    telemetry.recordOutcome(outcome, timings)
    for (const { code, error } of deps.takeKeyWarnings()) {
      telemetry.recordWarning(code, error && describeFault(error))
    }
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
      // Error hooks run last to first: the error is logged and counted, the response set, the metrics flushed.
      .use(logMetrics(metrics, { captureColdStartMetric: true }))
      // Off regardless of POWERTOOLS_LOGGER_LOG_EVENT: the event holds the password.
      .use(injectLambdaContext(logger, { logEvent: false }))
      .onError(respondToError)
      .use(
        errorLogger({
          logger: ({ error, event }) =>
            telemetry.recordFault(describeFault(error), timingsOf.get(Object(event))),
        }),
      )
      .handler(respond)
  )
}

/** Creates a handler that responds 500 to every request and logs the error, without Powertools. */
const rejectAll =
  ({ reason, ...fault }: Fault): Handler =>
  async (_event, { awsRequestId: requestId }) => {
    const line = { level: 'ERROR', message: 'fault', requestId, code: reason, ...fault }
    process.stderr.write(`${JSON.stringify(line)}\n`)
    return respondToFault(reason)
  }

/** The function's handler, with the settings of its environment. */
export const handler = createHandler(() => readConfig(process.env))
