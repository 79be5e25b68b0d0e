import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

/** What a scripted endpoint answers; `hangs` means never. */
export type HttpAnswer =
  | { readonly hangs: true }
  | {
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }

/** A request as it came. */
export interface HttpRequest {
  readonly method: string | undefined
  /** The caller's, so one a connection. */
  readonly port: number | undefined
  readonly path: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

/** Serves `answer` on loopback until the test `t` ends. `requests` fills up as they come. */
export async function serveHttp(
  t: TestContext,
  answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>,
) {
  const requests: HttpRequest[] = []
  const server = createServer(async (incoming, outgoing) => {
    const request = {
      method: incoming.method,
      port: incoming.socket.remotePort,
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: await text(incoming),
    }
    requests.push(request)
    const answered = await answer(request)
    if ('hangs' in answered) return
    outgoing.writeHead(answered.status, answered.headers).end(answered.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${address.port}`, requests }
}
