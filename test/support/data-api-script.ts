import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { type ScriptedHttpResponse, serveHttp } from './http-endpoint.ts'
import type { CleanUps } from './temporary-database.ts'

/** One response of the scripted Data API: lost with its connection, never sent, or sent. */
export type ScriptedResponse =
  | Exclude<ScriptedHttpResponse, { readonly status: number }>
  | {
      readonly status?: number
      /** The AWS error class, sent as AWS does, in `x-amzn-errortype`. */
      readonly errorType?: string
      /** Sent verbatim if it is a string, otherwise as JSON. */
      readonly body: unknown
    }

/**
 * Starts a server on loopback that sends `responses` in order, regardless of the requests, and a client of the
 * unmodified SDK that calls it. Both end with the test `t`. `requests` holds those that have arrived; `responses` may
 * grow meanwhile. `hung` holds a promise for each request that hangs, which resolves when its connection closes.
 */
export async function scriptDataApi(t: CleanUps, responses: readonly ScriptedResponse[]) {
  const requests: Readonly<Record<'method' | 'path', string> & { body: unknown }>[] = []
  const { url, hung } = await serveHttp(t, ({ method, path, body: text }) => {
    const response = responses[requests.length] ?? {
      status: 400,
      errorType: 'ScriptEnded',
      body: {},
    }
    requests.push({ method: `${method}`, path, body: JSON.parse(text) })
    if (!('body' in response)) return response
    const { status = 200, errorType, body } = response
    const headers = {
      'content-type': 'application/json',
      'x-amzn-requestid': 'scripted-request-id',
      ...(errorType !== undefined && { 'x-amzn-errortype': errorType }),
    }
    return { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }
  })
  return { client: createClient(t, url), requests, hung, url }
}

/** Returns the response with the row of an account, of id 7, and with its failures of strangers. */
export function accountRow(passwordHash: string, failures = 0, pauseSeconds = 0): ScriptedResponse {
  const numbers = [0, failures, pauseSeconds, 0, 0, 0, 0].map((longValue) => ({ longValue }))
  const texts = ['gary', passwordHash].map((stringValue) => ({ stringValue }))
  return { body: { records: [[{ longValue: 7 }, ...texts, ...numbers]] } }
}

/** The access key id of the local Data APIs under test. */
export const ACCESS_KEY_ID = 'test'

/** Creates the SDK's unmodified client for the Data API at `endpoint`, until the test `t` ends. */
export function createClient(
  t: CleanUps,
  endpoint: string,
  accessKeyId: string = ACCESS_KEY_ID,
): RDSDataClient {
  const credentials = { accessKeyId, secretAccessKey: 'test' }
  const client = new RDSDataClient({
    endpoint,
    region: 'eu-central-1',
    credentials,
    maxAttempts: 1,
  })
  t.after(async () => client.destroy())
  return client
}
