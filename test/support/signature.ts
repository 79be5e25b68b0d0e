import { createHash, createHmac } from 'node:crypto'
import type { HttpRequest } from './http-endpoint.ts'

/**
 * The `authorization` that a POST without a query has to have, by AWS's "Create a signed AWS API request". Whose
 * key, which scope and which headers are taken from the request's own.
 */
export function signatureOf({ path, headers, body }: HttpRequest, secret: string): string {
  const [, credential = '', names = ''] =
    /Credential=([^,]+), SignedHeaders=([^,]+)/.exec(String(headers['authorization'])) ?? []
  const [, date = '', region = '', service = ''] = credential.split('/')
  const canonical = [
    ...['POST', path, ''],
    ...names.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    ...['', names, sha256(body)],
  ].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${scope}\n${sha256(canonical)}`
  let key = Buffer.from(`AWS4${secret}`)
  for (const part of [...scope.split('/'), text]) {
    key = createHmac('sha256', key).update(part).digest()
  }
  const signature = key.toString('hex')
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
