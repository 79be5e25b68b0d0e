import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { DataApiError } from './errors.ts'
import { createFaultQueue, type FaultQueue } from './faults.ts'
import { parseJson } from './json.ts'
import { createOperations, type Operation } from './operations.ts'
import { failure, type HttpResponse, line, success } from './responses.ts'
import type { OpenSession } from './roles.ts'
import { createTransactions } from './transactions.ts'

/** What a client needs to call a local Data API. */
export interface DataApiAddress {
  /** For `AWS_ENDPOINT_URL_RDS_DATA`. */
  readonly url: string
  /** For `AWS_ACCESS_KEY_ID`. It lets a client run SQL as the owner of the database. */
  readonly accessKeyId: string
}

/** A local Data API that serves until it is closed. */
export interface DataApiServer extends DataApiAddress {
  /** Replaces the plan of faults for the next calls (`resuming:3 reset-after`). Throws if it is invalid. */
  planFaults(plan: string): void
  /** Rolls back open transactions and waits for calls under way. The database stays open. */
  close(): Promise<void>
}

/**
 * Serves the RDS Data API's wire protocol (restJson1) over plain HTTP on a free loopback port, so that
 * the unmodified SDK client can call it. docs/local-data-api.md lists where it differs from AWS. Every user of the
 * machine can reach the port, so each call needs the access key id, by default a random one.
 */
export async function serveDataApi(
  openSession: OpenSession,
  databaseName: string,
  accessKeyId: string = randomUUID(),
): Promise<DataApiServer> {
  const transactions = createTransactions(openSession)
  const operations = createOperations(openSession, transactions, databaseName)
  const faults = createFaultQueue()
  const closing = Promise.withResolvers<void>()

  /** Never rejects. `undefined` breaks the connection. */
  async function respond(request: IncomingMessage): Promise<HttpResponse | undefined> {
    try {
      assertOwnHost(request)
      if (request.url === FAULTS_PATH) return await respondToFaults(request, faults)
      const call = await readCall(request, operations, accessKeyId)
      const fault = faults.take()
      return await (fault ? fault(call, closing.promise) : call())
    } catch (error) {
      return failure(error)
    }
  }

  const server = createServer((request, response) => {
    void respond(request).then((result) => {
      if (result === undefined) {
        request.socket.destroy()
        return
      }
      const { status, contentType, errorType, body } = result
      response.writeHead(status, {
        'content-type': contentType,
        'x-amzn-requestid': randomUUID(),
        ...(errorType !== undefined && { 'x-amzn-errortype': errorType }),
        // A connection that is kept alive would delay the close.
        ...(!server.listening && { connection: 'close' }),
      })
      response.end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')

  return {
    url: `http://127.0.0.1:${address.port}`,
    accessKeyId,
    planFaults(plan) {
      const problem = faults.replace(plan)
      if (problem !== undefined) throw new Error(problem)
    },
    async close() {
      const drained = new Promise<void>((resolve) => server.close(() => resolve()))
      closing.resolve()
      // An open transaction may hold the session that the calls under way wait for.
      await transactions.close()
      await drained
    },
  }
}

/**
 * Rejects requests by another host name: a web page whose name resolves to 127.0.0.1 (DNS rebinding) may send any
 * header and method, except another `Host` than its own.
 */
function assertOwnHost({ headers, socket }: IncomingMessage): void {
  const port = socket.localPort
  if (headers.host === `127.0.0.1:${port}` || headers.host === `localhost:${port}`) return
  throw new DataApiError(
    'AccessDeniedException',
    `Call the local Data API as 127.0.0.1:${port} or localhost:${port}.`,
  )
}

/** Path of the fault plan, unused by AWS. */
const FAULTS_PATH = '/faults'

/** GET returns the rest of the plan, PUT replaces it. The CORS preflight keeps web pages from sending PUT. */
async function respondToFaults(
  request: IncomingMessage,
  faults: FaultQueue,
): Promise<HttpResponse> {
  if (request.method === 'PUT') {
    const problem = faults.replace(await text(request))
    if (problem !== undefined) return line(400, problem)
  } else if (request.method !== 'GET') throw unknownOperation()
  return line(200, faults.left())
}

/** Reads a call. The returned function performs it, and never rejects. */
async function readCall(
  request: IncomingMessage,
  operations: ReadonlyMap<string, Operation>,
  accessKeyId: string,
): Promise<() => Promise<HttpResponse>> {
  const operation = request.method === 'POST' ? operations.get(request.url ?? '') : undefined
  if (operation === undefined) throw unknownOperation()
  assertKnownCaller(request, accessKeyId)
  const input = await readBody(request)
  return () => operation(input).then(success, failure)
}

/** Rejects a call that is not signed with the access key id. The signature itself is not verified. */
function assertKnownCaller({ headers }: IncomingMessage, accessKeyId: string): void {
  const { authorization = '' } = headers
  if (!authorization.startsWith('AWS4-HMAC-SHA256 ')) {
    throw new DataApiError('MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  if (authorization.startsWith(`AWS4-HMAC-SHA256 Credential=${accessKeyId}/`)) return
  throw new DataApiError(
    'UnrecognizedClientException',
    'The access key id is not the one of this local Data API. npm start prints it at each start.',
  )
}

const unknownOperation = () =>
  new DataApiError('UnknownOperationException', 'There is no such operation.')

async function readBody(request: IncomingMessage): Promise<unknown> {
  try {
    return parseJson(await text(request))
  } catch {
    throw new DataApiError('SerializationException', 'The body is not JSON.')
  }
}
