import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy, { type Request } from '@middy/core'
import errorLogger from '@middy/error-logger'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda'
import { changePassword } from '../lib/accounts/change-password.ts'
import { deleteAccount } from '../lib/accounts/delete-account.ts'
import { me } from '../lib/accounts/me.ts'
import { signIn } from '../lib/accounts/sign-in.ts'
import { signUp } from '../lib/accounts/sign-up.ts'
import type { TokenResult } from '../lib/adapters/tokens.ts'
import { type Deps, type Service, startService } from '../lib/composition.ts'
import { type Config, readConfig, readServiceName } from '../lib/config.ts'
import { RESPONSE_MARGIN_MILLISECONDS, startDeadline } from '../lib/faults/deadline.ts'
import { describeFault, type Fault } from '../lib/faults/faults.ts'
import { readBearerToken } from '../lib/http/bearer-token.ts'
import {
  parseCredentials,
  parseNewCredentials,
  parsePassword,
  parsePasswordChange,
} from '../lib/http/credentials.ts'
import { readIdempotencyKey } from '../lib/http/idempotency-key.ts'
import { readJsonBody } from '../lib/http/json-body.ts'
import { LogFormat } from '../lib/http/log-format.ts'
import { type Outcome, respondToFault } from '../lib/http/responses.ts'
import { createTelemetry } from '../lib/http/telemetry.ts'
import type { Timings } from '../lib/http/timings.ts'
import { discovery, keySet } from '../lib/http/well-known.ts'

let started: Service | undefined

/** The service, started by the first call that succeeds. Throws if the environment is invalid. */
function service(): Service {
  started ??= startService(readConfig(process.env))
  return started
}

type Event = APIGatewayProxyEventV2

/** What a route does: from the proxy event to the outcome, through a use case. */
type Route = (event: Event, deps: Deps, config: Config) => Promise<Outcome>

/** Whoever signs in with a token that expired at most so long ago is on a device that has signed in before. */
const DEVICE_TOKEN_EXPIRED_SECONDS = 30 * 86_400

/** The routes of serverless.yml, by API Gateway's route key. */
const ROUTES: Readonly<Record<string, Route>> = {
  async 'POST /auth/sign-up'(event, deps, config) {
    const key = readIdempotencyKey(event.headers)
    if (!key.ok) return key
    const body = readJsonBody(event)
    if (!body.ok) return body
    const parsed = parseNewCredentials(body.value, config)
    if (!parsed.ok) return parsed
    return signUp({ ...parsed.credentials, idempotencyKeySha256: key.sha256 }, deps)
  },

  async 'POST /auth/sign-in'(event, deps) {
    const body = readJsonBody(event)
    if (!body.ok) return body
    const parsed = parseCredentials(body.value)
    if (!parsed.ok) return parsed
    // A token is optional here, and one that is refused is none.
    const user = await authenticate(event, deps, DEVICE_TOKEN_EXPIRED_SECONDS)
    return signIn({ ...parsed.credentials, deviceOf: user.ok ? user : undefined }, deps)
  },

  // The example of a protected route: authenticate, then call the use case with the user.
  async 'GET /auth/me'(event, deps) {
    const user = await authenticate(event, deps)
    if (!user.ok) return user
    return me(user, deps)
  },

  async 'POST /auth/change-password'(event, deps, config) {
    const user = await authenticate(event, deps)
    if (!user.ok) return user
    const body = readJsonBody(event)
    if (!body.ok) return body
    const parsed = parsePasswordChange(body.value, config)
    if (!parsed.ok) return parsed
    return changePassword({ ...parsed.credentials, user }, deps)
  },

  async 'POST /auth/delete-account'(event, deps) {
    const user = await authenticate(event, deps)
    if (!user.ok) return user
    const body = readJsonBody(event)
    if (!body.ok) return body
    const parsed = parsePassword(body.value)
    if (!parsed.ok) return parsed
    return deleteAccount({ ...parsed.credentials, user }, deps)
  },

  'GET /.well-known/jwks.json': (_event, deps) => keySet(deps),

  async 'GET /.well-known/openid-configuration'(_event, _deps, { algorithm, token }) {
    return discovery(algorithm, token.issuer)
  },
}

/** The user whom the request's bearer token names, or the reason it is refused. */
async function authenticate(
  event: Event,
  { verifyToken }: Deps,
  expiredSeconds?: number,
): Promise<TokenResult> {
  const bearer = readBearerToken(event.headers)
  return bearer.ok ? verifyToken(bearer.token, expiredSeconds) : bearer
}

/** The function with its log and metrics. Throws if Powertools rejects the environment. */
function createHandler() {
  const serviceName = readServiceName(process.env)
  const logger = new Logger({ serviceName, logFormatter: new LogFormat() })
  const metrics = new Metrics({ serviceName, namespace: 'Latchkey' })
  const telemetry = createTelemetry(logger, metrics)
  /** What each request has taken so far, for the line of a fault. */
  const timingsOf = new WeakMap<object, Timings>()

  async function respond(event: Event, context: Context) {
    const deadline = startDeadline(context.getRemainingTimeInMillis?.())
    const { config, depsFor, respond } = service()
    const route = Object.hasOwn(ROUTES, event.routeKey) ? ROUTES[event.routeKey] : undefined
    if (route === undefined) throw new TypeError('The event is of no route of this function.')
    const timings: Timings = {}
    timingsOf.set(event, timings)
    const outcome = await route(event, depsFor(deadline, timings), config)
    telemetry.recordOutcome(outcome, timings)
    return respond(outcome)
  }

  /** Assigns the response: one that an error hook returns would end the chain before its metrics. */
  function respondToError(request: Request): void {
    request.response = respondToFault(describeFault(request.error).reason)
  }

  return (
    middy<Event, APIGatewayProxyStructuredResultV2>({
      // Fallback timeout: fires if a step ignores the deadline, with half of the margin left to respond.
      timeoutEarlyInMillis: RESPONSE_MARGIN_MILLISECONDS / 2,
    })
      // Error hooks run last to first: the fault is logged and counted, the response set, the metrics flushed.
      .use(logMetrics(metrics, { captureColdStartMetric: true }))
      // Whatever POWERTOOLS_LOGGER_LOG_EVENT says: the event holds the password.
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

/** Responds 500 to every request and logs `fault`, without Powertools. */
const rejectAll =
  ({ reason, ...signs }: Fault) =>
  async (_event: Event, { awsRequestId: requestId }: Context) => {
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

/** The routes above behind an API Gateway HTTP API, payload format 2.0. Never rejects. */
export const handler = start()
