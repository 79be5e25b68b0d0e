import { setTimeout as sleep } from 'node:timers/promises'
import { Sha256 } from '@smithy/core/checksum'
import { HttpRequest } from '@smithy/core/transport'
import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler'
import { SignatureV4 } from '@smithy/signature-v4'
import { retryFor } from '../faults.ts'
import { lambdaCredentials } from './credentials.ts'
import { type ErrorPlace, readAnswer } from './read-answer.ts'
import { serviceEndpoint } from './service-endpoint.ts'

/**
 * In the bundle this stands for the two clients of the SDK, with as much of them as this function uses. Of the
 * SDK it takes the parts: the signer, the HTTP handler with its pool of connections and its time-outs, the
 * providers of credentials. `lib/local/lean-sdk.*test.ts` hold the two side by side. Two things of the SDK
 * have no place here: it corrects for a clock that is wrong, which Lambda's is not, and its settings in
 * `~/.aws` and in variables other than `AWS_REGION`, `AWS_ENDPOINT_URL…` and `AWS_USE_FIPS_ENDPOINT`.
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
  /** The SDK's handler: connections are kept alive; time-outs in milliseconds. */
  readonly requestHandler?: NodeHttpHandlerOptions
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
  const { maxAttempts = 3, requestHandler, ...others } = options
  // The types at the call are the SDK's, which has more.
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new TypeError(`lib/sdk/clients.ts has no option ${unknown}.`)
  const handler = new NodeHttpHandler(requestHandler)
  const signer = new SignatureV4({
    service: service.name,
    region: process.env['AWS_REGION'] ?? '',
    credentials: lambdaCredentials(),
    sha256: Sha256,
  })

  let endpoint: URL | undefined

  async function sendOnce(command: Command, options: { readonly abortSignal?: AbortSignal }) {
    endpoint ??= serviceEndpoint(process.env, service.name, service.variable)
    const request = toRequest(endpoint, service, command)
    const signed = new HttpRequest(await signer.sign(request))
    const { response } = await handler.handle(signed, options)
    return readAnswer(response, service.errorPlaces)
  }

  return {
    /** Sends the command; rejects with errors of the names, messages and `$metadata` of the SDK's. */
    async send(command: Command, options: { readonly abortSignal?: AbortSignal } = {}) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await sendOnce(command, options)
        } catch (error) {
          const last = attempt >= maxAttempts || options.abortSignal?.aborted
          if (last || retryFor(error) === 'never') throw error
          // The SDK's pause: at random up to 100 ms, and up to twice as long from time to time.
          await sleep(Math.random() * 100 * 2 ** (attempt - 1))
        }
      }
    },
    destroy: () => handler.destroy(),
  }
}

function toRequest(endpoint: URL, { contentType }: Service, { path, headers, input }: Command) {
  const body = JSON.stringify(input)
  const trace = process.env['_X_AMZN_TRACE_ID']
  return new HttpRequest({
    method: 'POST',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    ...(endpoint.port !== '' && { port: Number(endpoint.port) }),
    path: endpoint.pathname.replace(/\/$/, '') + path,
    headers: {
      host: endpoint.host,
      'content-type': contentType,
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': `latchkey nodejs/${process.versions.node}`,
      // X-Ray's, so that the call is part of the request's trace.
      ...(trace !== undefined && { 'x-amzn-trace-id': trace }),
      ...headers,
    },
    body,
  })
}
