import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { RDSDataClient } from '@aws-sdk/client-rds-data'

/** One response of the scripted server: lost with its connection after the request is read, never sent, or sent. */
export type ScriptedAnswer =
  | { readonly lost: true }
  | { readonly hangs: true }
  | {
      readonly status?: number
      /** The AWS error class, sent as AWS does, in `x-amzn-errortype`. */
      readonly errorType?: string
      /** Sent as it stands if it is a string, else as JSON. */
      readonly body: unknown
    }

/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly body: unknown
}

/**
 * Starts a server on loopback that sends `answers` in order, whatever the requests, and a client of the
 * unmodified SDK that calls it. Both end with the test `t`. `requests` holds those that have arrived, and
 * `answers` may grow meanwhile. `hung` holds a promise for each request that hangs: its connection is closed.
 */
export async function scriptDataApi(
  t: { after(fn: () => void): void },
  answers: readonly ScriptedAnswer[],
  { maxAttempts = 1 }: { readonly maxAttempts?: number } = {},
) {
  const requests: SeenRequest[] = []
  const hung: Promise<unknown>[] = []

  const server = createServer(async (request, response) => {
    const body: unknown = JSON.parse(await text(request))
    const answer = answers[requests.length] ?? { status: 400, errorType: 'ScriptEnded', body: {} }
    requests.push({ method: request.method, path: request.url, body })
    if ('lost' in answer) {
      request.socket.destroy()
      return
    }
    if ('hangs' in answer) {
      hung.push(once(request.socket, 'close'))
      return
    }
    response.writeHead(answer.status ?? 200, {
      'content-type': 'application/json',
      'x-amzn-requestid': 'scripted-request-id',
      ...(answer.errorType !== undefined && { 'x-amzn-errortype': answer.errorType }),
    })
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')

  const url = `http://127.0.0.1:${address.port}`
  const client = new RDSDataClient({
    endpoint: url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts,
  })
  t.after(() => {
    client.destroy()
    server.close()
    server.closeAllConnections()
  })
  return { client, requests, hung, url }
}
