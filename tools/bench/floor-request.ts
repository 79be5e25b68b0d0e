import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { eventWith } from '../../test/support/handler.ts'
import { startHandler } from './handler-process.ts'
import type { Rig } from './rig.ts'
import { newUsername, PASSWORD, signUpEvent } from './sign-up-events.ts'

/** What the floor handler is asked for: to hash the password, and to send the call. */
export interface FloorRequest {
  readonly password: string
  readonly call: DataApiCall
}

/** One call of the Data API, as it is on the wire. */
export interface DataApiCall {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Learns from a sign-up of the bundle, with a server that stands in for the Data API, what it sends. */
export async function captureCall(rig: Rig): Promise<{ username: string; call: DataApiCall }> {
  const captured = Promise.withResolvers<DataApiCall>()
  const server = createServer(async (request, response) => {
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
    captured.resolve({ path: request.url ?? '', headers, body: await text(request) })
    response.end(JSON.stringify({ records: [[{ longValue: 1 }, { stringValue: 'gary' }]] }))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const handler = startHandler(rig, rig.paths.bundle, {
    AWS_ENDPOINT_URL_RDS_DATA: `http://127.0.0.1:${port}`,
  })
  try {
    const username = newUsername()
    await handler.call(signUpEvent(username))
    return { username, call: await captured.promise }
  } finally {
    await handler.stop()
    server.close()
  }
}

/** Makes events for the floor handler, each of which stores another user by the captured call. */
export async function floorEvents(rig: Rig): Promise<() => APIGatewayProxyEventV2> {
  const { username, call } = await captureCall(rig)
  return () => {
    const body = call.body.replace(username, newUsername())
    const request: FloorRequest = { password: PASSWORD, call: { ...call, body } }
    return eventWith(request)
  }
}
