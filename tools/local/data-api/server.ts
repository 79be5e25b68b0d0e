import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { json, text } from 'node:stream/consumers'
import { type Answer, failure, line, success } from './answers.ts'
import type { Engine } from './engine.ts'
import { DataApiError } from './errors.ts'
import { createFaultQueue, type FaultQueue } from './fault-plan.ts'
import { createOperations, type Operation } from './operations.ts'
import { createTransactions } from './transactions.ts'

/** A local Data API that answers until it is closed. */
export interface DataApiServer {
  /** For `AWS_ENDPOINT_URL_RDS_DATA`. */
  readonly url: string
  /**
   * Plans the faults that the next calls meet (`resuming:3 reset-after`), in the place of what is left
   * of the plan before; the empty text plans none. Throws if a word is wrong.
   */
  misbehave(plan: string): void
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
  const faults = createFaultQueue()
  const closing = Promise.withResolvers<void>()

  /** Never rejects. Nothing means that the connection is to break. */
  async function answer(request: IncomingMessage): Promise<Answer | undefined> {
    try {
      if (request.url === FAULTS_PATH) return await answerFaults(request, faults)
      const call = await readCall(request, operations)
      const fault = faults.take()
      return await (fault ? fault(call, closing.promise) : call())
    } catch (error) {
      return failure(error)
    }
  }

  const server = createServer((request, response) => {
    void answer(request).then((answered) => {
      if (answered === undefined) {
        request.socket.destroy()
        return
      }
      const { status, contentType, errorType, body } = answered
      response.writeHead(status, {
        'content-type': contentType,
        'x-amzn-requestid': randomUUID(),
        ...(errorType !== undefined && { 'x-amzn-errortype': errorType }),
        // Once closing, a connection kept alive would hold the close up for as long as it idles.
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
    misbehave(plan) {
      const parsed = faults.replace(plan)
      if (!parsed.ok) throw new Error(parsed.problem)
    },
    async close() {
      const drained = new Promise<void>((resolve) => server.close(() => resolve()))
      closing.resolve()
      // An open transaction may hold the session for which the calls under way are waiting.
      await transactions.close()
      await drained
    },
  }
}

/** Where the faults of the next calls are read and planned; AWS has nothing there. */
export const FAULTS_PATH = '/faults'

/**
 * GET tells what is left of the plan, PUT replaces it. PUT, because a page in the developer's browser
 * cannot send it unasked: the browser asks first (CORS preflight), and gets no permission here.
 */
async function answerFaults(request: IncomingMessage, faults: FaultQueue): Promise<Answer> {
  if (request.method === 'PUT') {
    const parsed = faults.replace(await text(request))
    if (!parsed.ok) return line(400, parsed.problem)
  } else if (request.method !== 'GET') throw unknownOperation()
  return line(200, faults.left())
}

/** Reads a call to its end; what it returns performs it, and never rejects. */
async function readCall(
  request: IncomingMessage,
  operations: ReadonlyMap<string, Operation>,
): Promise<() => Promise<Answer>> {
  const operation = request.method === 'POST' ? operations.get(request.url ?? '') : undefined
  if (operation === undefined) throw unknownOperation()
  // Nothing is verified, but a page in the developer's browser cannot send this header unasked.
  if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
    throw new DataApiError('MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  const input = await readBody(request)
  return () => operation(input).then(success, failure)
}

const unknownOperation = () =>
  new DataApiError('UnknownOperationException', 'There is no such operation.')

async function readBody(request: IncomingMessage): Promise<unknown> {
  try {
    return await json(request)
  } catch {
    throw new DataApiError('SerializationException', 'The body is not JSON.')
  }
}
