import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Engine } from './engine.ts'
import { DataApiError } from './errors.ts'
import { createOperations, type Operation } from './operations.ts'

/** A local Data API that answers until it is closed. */
export interface DataApiServer {
  /** For `AWS_ENDPOINT_URL_RDS_DATA`. */
  readonly url: string
  /** Waits for the calls under way; the engine stays open. */
  close(): Promise<void>
}

/**
 * Serves the RDS Data API's wire protocol (restJson1) over plain HTTP on a free loopback port, so that
 * the unmodified SDK client can talk to it. DESIGN.md lists where it differs from AWS.
 */
export async function serveDataApi(engine: Engine, databaseName: string): Promise<DataApiServer> {
  const operations = createOperations(engine, databaseName)
  const server = createServer((request, response) => {
    answer(request, operations).then(
      (body) => send(response, 200, body),
      (error: unknown) => sendError(response, error),
    )
  })
  const { port } = await new Promise<AddressInfo>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address !== null && typeof address === 'object') resolve(address)
    })
  })
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  operations: ReadonlyMap<string, Operation>,
): Promise<object> {
  const operation = request.method === 'POST' ? operations.get(request.url ?? '') : undefined
  if (operation === undefined) {
    throw new DataApiError('UnknownOperationException', 'There is no such operation.')
  }
  // Nothing is verified, but a page in the developer's browser cannot send this header unasked.
  if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
    throw new DataApiError('MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  return operation(await readBody(request))
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  try {
    return await json(request)
  } catch {
    throw new DataApiError('SerializationException', 'The body is not JSON.')
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  const { name, status, message } =
    error instanceof DataApiError
      ? error
      : new DataApiError('InternalServerErrorException', 'The local Data API failed.')
  response.setHeader('x-amzn-errortype', name)
  send(response, status, { message })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'x-amzn-requestid': randomUUID(),
  })
  response.end(JSON.stringify(body))
}
