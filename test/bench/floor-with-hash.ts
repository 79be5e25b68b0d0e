import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { hash } from 'bcryptjs'
import type { FloorRequest } from './handler-process.ts'

/** Loads what the floor of start-up loads. */
export { loaded } from './floor-handler.ts'

const agent = new Agent({ keepAlive: true })

/** What a sign-up cannot do without: one hash, and the bytes of one Data API call there and back. */
export async function handler({ body = '' }: { readonly body?: string }) {
  const { password, call }: FloorRequest = JSON.parse(body)
  await hash(password, Number(process.env['BCRYPT_COST']))
  return { statusCode: await post(call) }
}

const post = ({ path, headers, body }: FloorRequest['call']): Promise<number> =>
  new Promise((resolve, reject) => {
    const url = `${process.env['AWS_ENDPOINT_URL_RDS_DATA']}${path}`
    request(url, { method: 'POST', agent, headers })
      .once('error', reject)
      .once('response', (response) => {
        text(response).then(() => resolve(response.statusCode ?? 0), reject)
      })
      .end(body)
  })
