import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type { CleanUps } from './temporary-database.ts'

/** A scripted response: never sent, lost with its connection once the request is read, or sent. */
export type ScriptedHttpResponse =
  | { readonly hangs: true }
  | { readonly lost: true }
  | {
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }

/** A request as received. */
export interface HttpRequest {
  readonly method: string | undefined
  /** The caller's port: one per connection. */
  readonly port: number | undefined
  readonly path: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

/**
 * Serves the responses of `respond` on loopback until the test `t` ends. `requests` holds those that have arrived,
 * and `hung` a promise for each request that hangs, which resolves when its connection closes.
 */
export async function serveHttp(
  t: CleanUps,
  respond: (request: HttpRequest) => ScriptedHttpResponse | Promise<ScriptedHttpResponse>,
) {
  const requests: HttpRequest[] = []
  const hung: Promise<unknown>[] = []
  const server = createServer(async (incoming, outgoing) => {
    const request = {
      method: incoming.method,
      port: incoming.socket.remotePort,
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: await text(incoming),
    }
    requests.push(request)
    const response = await respond(request)
    if ('hangs' in response) hung.push(once(incoming.socket, 'close'))
    else if ('lost' in response) incoming.socket.destroy()
    else outgoing.writeHead(response.status, response.headers).end(response.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  t.after(async () => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${address.port}`, requests, hung }
}
