import { retryFor } from '../faults.ts'
import { attempts } from './attempts.ts'
import { lambdaCredentials } from './credentials.ts'
import { type HttpOptions, httpEndpoint, refuseOptions } from './http-endpoint.ts'
import { type ErrorPlace, readAnswer } from './read-answer.ts'
import { serviceEndpoint } from './service-endpoint.ts'
import { createSigner } from './signature.ts'

/**
 * In the bundle this stands for the two clients of the SDK, with as much of them as this function uses;
 * `lib/local/bundle.clients*.test.ts` hold the two side by side. What else the SDK does has no
 * place here: it corrects for a clock that is wrong, which Lambda's is not, heeds `Retry-After`, keeps a quota of
 * retries, and has settings in `~/.aws` and in variables other than `AWS_REGION`, `AWS_ENDPOINT_URL…` and
 * `AWS_USE_FIPS_ENDPOINT`.
 */

interface Service {
  readonly name: string
  /** What follows `AWS_ENDPOINT_URL_`. */
  readonly variable: string
  readonly contentType: string
  readonly errorPlaces: readonly ErrorPlace[]
}

const DATA_API: Service = {
  name: 'rds-data',
  variable: 'RDS_DATA',
  contentType: 'application/json',
  errorPlaces: ['header', 'code', '__type'],
}

const SECRETS_MANAGER: Service = {
  name: 'secretsmanager',
  variable: 'SECRETS_MANAGER',
  contentType: 'application/x-amz-json-1.1',
  errorPlaces: ['__type', 'code', 'header'],
}

interface Command {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly input: object
}

/** The Data API's `ExecuteStatement`. `input` is sent as JSON: no bytes, no dates. */
export function ExecuteStatementCommand(input: object): Command {
  return { path: '/Execute', headers: {}, input }
}

/** Secrets Manager's `GetSecretValue`. */
export function GetSecretValueCommand(input: object): Command {
  return { path: '/', headers: { 'x-amz-target': 'secretsmanager.GetSecretValue' }, input }
}

/** Those of the SDK's options that this function gives. */
export interface ClientOptions {
  /** How often a call is sent at most, if `fault-policy.ts` has it that sending it again can help. */
  readonly maxAttempts?: number
  readonly requestHandler?: HttpOptions
}

/** A client of the Data API. Like all of these it takes `new`, as its counterpart in the SDK does. */
export function RDSDataClient(options?: ClientOptions) {
  return createClient(DATA_API, options)
}

/** A client of Secrets Manager. */
export function SecretsManagerClient(options?: ClientOptions) {
  return createClient(SECRETS_MANAGER, options)
}

function createClient(service: Service, options: ClientOptions = {}) {
  const { maxAttempts = 3, requestHandler = {}, ...others } = options
  refuseOptions(others)
  const credentials = lambdaCredentials()

  let connected: ReturnType<typeof connect> | undefined
  /** At the first call, which is what a wrong environment fails. */
  function connect() {
    const { region, url } = serviceEndpoint(process.env, service.name, service.variable)
    return {
      url,
      sign: createSigner(service.name, region),
      endpoint: httpEndpoint(url, requestHandler),
    }
  }

  async function sendOnce({ path, headers, input }: Command, signal?: AbortSignal) {
    connected ??= connect()
    const { url, sign, endpoint } = connected
    const request = {
      path: url.pathname.replace(/\/$/, '') + path,
      headers: { host: url.host, 'content-type': service.contentType, ...headers },
      body: JSON.stringify(input),
    }
    const signed = sign(request, await credentials())
    const sent = { ...signed, ...unsignedHeaders(request.body) }
    const answer = await endpoint.send({ method: 'POST', ...request, headers: sent }, signal)
    return readAnswer(answer, service.errorPlaces)
  }

  return {
    /** Sends the command; rejects with errors of the names, messages and `$metadata` of the SDK's. */
    send: (command: Command, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}) =>
      attempts(
        () => sendOnce(command, abortSignal),
        (error, attempt) => {
          const last = attempt >= maxAttempts || abortSignal?.aborted
          if (last || retryFor(error) === 'never') return undefined
          return Math.random() * pauseMilliseconds(error) * 2 ** (attempt - 1)
        },
      ),
    destroy: () => connected?.endpoint.close(),
  }
}

/** The longest first pause before a call is sent again, as in the SDK: longer for a caller that calls too often. */
const pauseMilliseconds = (error: unknown) =>
  error instanceof Error && /Throttl|TooManyRequests|LimitExceeded/.test(error.name) ? 1000 : 50

/** What may change on the way, so that no signature may depend on it. */
function unsignedHeaders(body: string) {
  const trace = process.env['_X_AMZN_TRACE_ID']
  return {
    'content-length': String(Buffer.byteLength(body)),
    'user-agent': USER_AGENT,
    // X-Ray's, so that the call is part of the request's trace.
    ...(trace && { 'x-amzn-trace-id': trace }),
  }
}

const USER_AGENT = `latchkey nodejs/${process.versions.node}`
