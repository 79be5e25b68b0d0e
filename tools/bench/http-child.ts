import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import { eventWith, sender } from '../../test/support/handler.ts'

// Puts the bundle at the path behind a plain HTTP server, which makes an event of each request.
const [, , path = ''] = process.argv
const handle = sender(createRequire(path)(path).handler)
const server = createServer(async (request, response) => {
  const { statusCode = 0, headers = {}, body } = await handle(eventWith(await text(request)))
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value))
  response.writeHead(statusCode).end(body)
})
server.listen(0, '127.0.0.1', () => process.send?.(JSON.stringify(server.address())))
