import type { TestContext } from 'node:test'
import { type HttpAnswer, serveHttp } from './http-endpoint.ts'

/** The secret key of the credentials that `serveSdk` gives to this process. */
export const SECRET_KEY = 'secret'

/**
 * Answers whatever this process calls of AWS, on loopback until the test `t` ends: the nth request with the nth
 * of `answers`, and all that follow with the last one. A function is called when its turn has come. The
 * environment is Lambda's, but for the trace.
 */
export async function serveSdk(
  t: TestContext,
  answers: readonly (HttpAnswer | (() => HttpAnswer))[],
) {
  const { url, requests } = await serveHttp(t, () => {
    const answer = answers[requests.length - 1] ?? answers.at(-1) ?? { hangs: true }
    return typeof answer === 'function' ? answer() : answer
  })
  for (const name of Object.keys(process.env)) {
    if (/^_?(AWS|X_AMZN)_/.test(name)) delete process.env[name]
  }
  Object.assign(process.env, {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'KEY',
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_SESSION_TOKEN: 'token',
    AWS_ENDPOINT_URL: url,
  })
  return { url, requests }
}

/** An answer of JSON, under the id `request-1`; a string is sent as it stands. */
export const json = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer => ({
  status,
  headers: { 'content-type': 'application/json', 'x-amzn-requestid': 'request-1', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
