import { readFileSync } from 'node:fs'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda'
import type { handler } from '../../functions/auth.ts'
import { ROUTES } from '../../functions/routes.ts'
import { parseSigningKey, type SigningKey } from '../../lib/adapters/signing-key.ts'
import { readConfig } from '../../lib/config.ts'
import { ACCESS_KEY_ID } from './data-api-script.ts'

/** The key that the handler under test signs with. */
export const JWT_SECRET = 'a key for tests alone, of more than 32 bytes'

/** The function's `DB_SECRET_ARN`, whose statements the local Data API runs as `latchkey_app`. */
export const DB_SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:test'

/**
 * Returns the environment of the function's process. The cost factor is the lowest that is accepted, so that tests
 * are quick. Only server errors are logged, to stderr, since the tests' reporter has stdout.
 */
export const environment = (dataApiUrl: string) => ({
  AWS_ENDPOINT_URL_RDS_DATA: dataApiUrl,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY: 'test',
  DB_CLUSTER_ARN: 'arn:aws:rds:eu-central-1:000000000000:cluster:test',
  DB_SECRET_ARN,
  DB_NAME: 'latchkey',
  BCRYPT_COST: '10',
  JWT_SECRET,
  POWERTOOLS_LOG_LEVEL: 'WARN',
  POWERTOOLS_METRICS_DISABLED: 'true',
})

/** Returns the key of a secret's text, by default that of the handler under test. */
export function signingKey(text = JWT_SECRET): SigningKey {
  const key = parseSigningKey(text)
  if (key !== undefined) return key
  throw new TypeError('The text is not a signing key.')
}

/** Sends one event, as API Gateway would, and returns the proxy response. */
type Send = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>

/** One more than bcrypt's lowest cost factor, and less than the environment may set: a hash takes 2 ms. */
const TEST_COST = 5

/** Creates the function's handler in this process, with the Data API at `dataApiUrl` and cheap hashes. */
export async function loadHandler(dataApiUrl: string): Promise<Send> {
  Object.assign(process.env, environment(dataApiUrl))
  const { createHandler } = await import('../../functions/auth.ts')
  return sender(createHandler(() => ({ ...readConfig(process.env), bcryptCost: TEST_COST })))
}

/** Returns a function that calls a handler with the context of a function that has `remainingMilliseconds` left. */
export const sender =
  (handle: typeof handler, remainingMilliseconds = 29_000): Send =>
  async (event) =>
    handle(event, { ...CONTEXT, getRemainingTimeInMillis: () => remainingMilliseconds })

/** Every route's key. */
export const ROUTE_KEYS = Object.keys(ROUTES)

/** Returns the name of a route's event in events/: `sign-up`, `jwks`. */
export const eventName = (routeKey: string) => routeKey.replace(/^.*\//, '').replace(/\.json$/, '')

/** Reads an event of `events/`, by its name without `.json`. */
export function readEvent(name: string): APIGatewayProxyEventV2 {
  return JSON.parse(readFileSync(new URL(`../../events/${name}.json`, import.meta.url), 'utf8'))
}

/** Returns the event of `events/` under that name, with `body` verbatim if it is a string, otherwise as JSON. */
export function eventWith(body: unknown, name = 'sign-up'): APIGatewayProxyEventV2 {
  return {
    ...readEvent(name),
    body: typeof body === 'string' ? body : JSON.stringify(body),
    isBase64Encoded: false,
  }
}

/** Returns the event with that token in its `Authorization`. */
export const withToken = (event: APIGatewayProxyEventV2, token: string) => ({
  ...event,
  headers: { ...event.headers, authorization: `Bearer ${token}` },
})

/** Parses the JSON object in the body of an event or a response. */
export function bodyOf({ body }: { readonly body?: string | undefined }): Record<string, unknown> {
  return JSON.parse(body ?? '')
}

const CONTEXT: Context = {
  awsRequestId: 'test-request-id',
  callbackWaitsForEmptyEventLoop: true,
  functionName: 'latchkey-test-auth',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:latchkey-test-auth',
  logGroupName: '/aws/lambda/latchkey-test-auth',
  logStreamName: 'test',
  memoryLimitInMB: '1769',
  getRemainingTimeInMillis: () => 29_000,
  done() {},
  fail() {},
  succeed() {},
}
