import http, { type AgentOptions, type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import { urlToHttpOptions } from 'node:url'

/** A request: a path, headers by name, and a body as text. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** An answer, its body read to the end as UTF-8. */
export interface HttpAnswer {
  readonly statusCode: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** By the names that the SDK's HTTP handler has for them. */
export interface HttpOptions {
  /** Milliseconds that a new connection may take, TLS included. */
  readonly connectionTimeout?: number
  /** Milliseconds from the call to the end of its answer. */
  readonly requestTimeout?: number
  /** It does: without this the SDK would only warn. */
  readonly throwOnRequestTimeout?: true
  readonly httpAgent?: AgentOptions
  readonly httpsAgent?: AgentOptions
}

/** Where requests go, over connections that are kept. */
export interface HttpEndpoint {
  /**
   * Resolves with the answer, whatever its status. Rejects with Node's error if the network fails, with a
   * `TimeoutError` if one of the limits is reached, and with any error once `signal`, which is for this call
   * alone, has aborted.
   */
  send(request: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer>
  /** Ends the connections. */
  close(): void
}

/** Opens no connection yet. Of `url` scheme, host and port count. Throws at an option that it does not have. */
export function httpEndpoint(url: URL, options: HttpOptions): HttpEndpoint {
  const {
    connectionTimeout,
    requestTimeout,
    throwOnRequestTimeout: _,
    httpAgent,
    httpsAgent,
    ...others
  } = options
  refuseOptions(others)
  const { hostname, port } = urlToHttpOptions(url)
  const [protocol, agentOptions, connected] =
    url.protocol === 'https:'
      ? ([https, httpsAgent, 'secureConnect'] as const)
      : ([http, httpAgent, 'connect'] as const)
  const agent = new protocol.Agent({ keepAlive: true, ...agentOptions })

  return {
    send: ({ method, path, headers, body }, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const request = protocol.request({ method, hostname, port, path, headers, agent })
        const giveUp = (error: unknown) => {
          reject(error)
          request.destroy()
        }
        // By hand, since Node's own option for a signal costs a call 0.07 ms.
        signal?.addEventListener('abort', () => giveUp(signal.reason), { once: true })

        const limit = (milliseconds: number, what: string, signs = {}) => {
          const timer = setTimeout(() => {
            const error = new Error(`${what} within ${milliseconds} ms.`)
            giveUp(Object.assign(error, { name: 'TimeoutError', ...signs }))
          }, milliseconds)
          const end = () => clearTimeout(timer)
          request.once('close', end)
          return end
        }
        if (requestTimeout) limit(requestTimeout, 'There was no answer', { code: 'ETIMEDOUT' })
        if (connectionTimeout) {
          request.once('socket', (socket) => {
            if (!socket.connecting) return
            socket.once(connected, limit(connectionTimeout, 'There was no connection'))
          })
        }

        request.once('response', (response) => {
          const { statusCode = 0, headers } = response
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (part: string) => {
            text += part
          })
          response.once('end', () => resolve({ statusCode, headers, body: text }))
          response.once('error', reject)
        })
        // Node would end it without an error.
        request.once('upgrade', () => {
          giveUp(Object.assign(new Error('The answer changes the protocol.'), { code: 'EPROTO' }))
        })
        request.on('error', reject)
        request.end(body)
      }),
    close: () => agent.destroy(),
  }
}

/** Where the code is typed by the SDK, which has more of them. */
export function refuseOptions(options: object): void {
  const [unknown] = Object.keys(options)
  if (unknown !== undefined) throw new TypeError(`lib/sdk/ has no option ${unknown}.`)
}
