import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'

/** Whose signature it is. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/**
 * A POST without a query: its headers by their names in lower case, with values that have no spaces to be
 * trimmed, and a path in which nothing has to be escaped.
 */
export interface Post {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

/**
 * Makes the function that signs what is sent to a service in a region, by Signature Version 4 (AWS IAM user
 * guide, "Create a signed AWS API request"). It returns the headers, all of which are signed, with those that
 * the signature adds.
 */
export function createSigner(service: string, region: string) {
  let kept: { readonly scope: string; readonly secret: string; readonly key: KeyObject } | undefined

  /** Another one each day, and for other credentials. */
  function signingKey(scope: string, secret: string): KeyObject {
    if (kept?.scope !== scope || kept.secret !== secret) {
      const key = scope.split('/').reduce(hmac, Buffer.from(`AWS4${secret}`))
      kept = { scope, secret, key: createSecretKey(key) }
    }
    return kept.key
  }

  return (
    { path, headers, body }: Post,
    { accessKeyId, secretAccessKey, sessionToken }: Credentials,
    now = new Date(),
  ): Record<string, string> => {
    const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
    const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`
    const digest = hash('sha256', body)
    const signed: Record<string, string> = {
      ...headers,
      'x-amz-content-sha256': digest,
      'x-amz-date': time,
      ...(sessionToken && { 'x-amz-security-token': sessionToken }),
    }
    const sorted = Object.keys(signed).sort()
    const names = sorted.join(';')
    const lines = sorted.map((name) => `${name}:${signed[name]}\n`).join('')
    const request = `POST\n${path}\n\n${lines}\n${names}\n${digest}`
    const text = `${ALGORITHM}\n${time}\n${scope}\n${hash('sha256', request)}`
    const signature = hmac(signingKey(scope, secretAccessKey), text).toString('hex')
    const authorization = `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
    return { ...signed, authorization }
  }
}

const hmac = (key: Buffer | KeyObject, text: string) =>
  createHmac('sha256', key).update(text).digest()
