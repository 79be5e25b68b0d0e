import { createRequire } from 'node:module'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'

// One process of the function, as Lambda runs them: it loads the bundle that its argument names, takes one
// event at a time from its parent, and answers with the response and with what it holds afterwards.

/** Short, so that a run of minutes has many requests for which time runs out. */
const REMAINING_MILLISECONDS = 6000

/** What a process answers an event with. */
export interface FunctionAnswer {
  readonly response: APIGatewayProxyStructuredResultV2
  /** Bytes in use after garbage collection. */
  readonly heapBytes: number
  readonly sockets: number
}

/** Sockets of the process, those that are kept alive and idle too. */
function countSockets(): number {
  const report: { readonly libuv?: readonly { readonly type: string }[] } = Object(
    process.report?.getReport(),
  )
  return (report.libuv ?? []).filter(({ type }) => type === 'tcp').length
}

const { handler } = createRequire(import.meta.url)(process.argv[2] ?? '')

process.on('message', (event: APIGatewayProxyEventV2) => {
  const context = {
    awsRequestId: event.requestContext.requestId,
    getRemainingTimeInMillis: () => REMAINING_MILLISECONDS,
  }
  void handler(event, context).then((response: APIGatewayProxyStructuredResultV2) => {
    globalThis.gc?.()
    process.send?.({
      response,
      heapBytes: process.memoryUsage().heapUsed,
      sockets: countSockets(),
    } satisfies FunctionAnswer)
  })
})
