import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { hash } from 'bcryptjs'
import type { FloorRequest } from './floor-request.ts'

/** What the other floor loads, this one loads too. */
export { loaded } from './floor-handler.ts'

const agent = new Agent({ keepAlive: true })

/** What a sign-up cannot do without: the hash, and the bytes of one call of the Data API there and back. */
export async function handler({ body = '' }: { readonly body?: string }) {
  const { password, call }: FloorRequest = JSON.parse(body)
  await hash(password, Number(process.env['BCRYPT_COST']))
  return { statusCode: await post(call) }
}

function post({ path, headers, body }: FloorRequest['call']): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${process.env['AWS_ENDPOINT_URL_RDS_DATA']}${path}`, {
      method: 'POST',
      agent,
      headers,
    })
      .once('error', reject)
      .once('response', (response) => {
        text(response).then(() => resolve(response.statusCode ?? 0), reject)
      })
      .end(body)
  })
}
