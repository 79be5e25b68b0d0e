import { createHmac } from 'node:crypto'
import { Agent, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { hash } from 'bcryptjs'
import type { BaselineRequest } from './handler-process.ts'

/** The modules that a handler which calls AWS loads; exported, since the bundler leaves out unused imports. */
export const loaded = [createHmac, secureRequest]

const agent = new Agent({ keepAlive: true })

/** Does the minimum of a request: one hash, and the bytes of one Data API call and its response. */
export async function handler({ body = '' }: { readonly body?: string }) {
  const { password, call }: BaselineRequest = JSON.parse(body)
  await hash(password, Number(process.env['BCRYPT_COST']))
  return { statusCode: await post(call) }
}

const post = ({ path, headers, body }: BaselineRequest['call']): Promise<number> =>
  new Promise((resolve, reject) => {
    const url = `${process.env['AWS_ENDPOINT_URL_RDS_DATA']}${path}`
    request(url, { method: 'POST', agent, headers })
      .once('error', reject)
      .once('response', (response) => {
        text(response).then(() => resolve(response.statusCode ?? 0), reject)
      })
      .end(body)
  })
