import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import type { Engine } from './engine.ts'
import { DataApiError } from './errors.ts'
import { createOperations, type Operation } from './operations.ts'
import { createTransactions } from './transactions.ts'

/** A local Data API that answers until it is closed. */
export interface DataApiServer {
  /** For `AWS_ENDPOINT_URL_RDS_DATA`. */
  readonly url: string
  /** Rolls open transactions back and waits for the calls under way; the engine stays open. */
  close(): Promise<void>
}

/**
 * Serves the RDS Data API's wire protocol (restJson1) over plain HTTP on a free loopback port, so that
 * the unmodified SDK client can talk to it. DESIGN.md lists where it differs from AWS.
 */
export async function serveDataApi(engine: Engine, databaseName: string): Promise<DataApiServer> {
  const transactions = createTransactions(engine)
  const operations = createOperations(engine, transactions, databaseName)

  const server = createServer((request, response) => {
    void answer(request, operations).then(({ status, body, errorType }) => {
      response.writeHead(status, {
        'content-type': 'application/json',
        'x-amzn-requestid': randomUUID(),
        ...(errorType !== undefined && { 'x-amzn-errortype': errorType }),
        // Once closing, a connection kept alive would hold the close up for as long as it idles.
        ...(!server.listening && { connection: 'close' }),
      })
      response.end(JSON.stringify(body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')

  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      const drained = new Promise<void>((resolve) => server.close(() => resolve()))
      // An open transaction may hold the session for which the calls under way are waiting.
      await transactions.close()
      await drained
    },
  }
}

interface Answer {
  readonly status: number
  readonly body: object
  readonly errorType?: string
}

/** Never rejects. */
async function answer(
  request: IncomingMessage,
  operations: ReadonlyMap<string, Operation>,
): Promise<Answer> {
  try {
    return { status: 200, body: await perform(request, operations) }
  } catch (error) {
    const { name, status, message } =
      error instanceof DataApiError
        ? error
        : new DataApiError('InternalServerErrorException', 'The local Data API failed.')
    return { status, body: { message }, errorType: name }
  }
}

async function perform(
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
