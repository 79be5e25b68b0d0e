import { after } from 'node:test'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { decodeJwt, SignJWT } from 'jose'
import { serveDatabase } from './database.ts'
import { bodyOf, eventWith, JWT_SECRET, loadHandler, readEvent, withToken } from './handler.ts'
import { assertDocumented } from './openapi.ts'
import { openMigratedPglite } from './pglite.ts'

/** The password of every account that a test signs up. */
export const PASSWORD = 'correct horse battery'
/** A password of no account. */
export const WRONG = 'wrong horse battery'

/** Returns a token of the handler under test as one that is no longer fresh, `seconds` before its end. */
export const agedToken = (token: string, seconds = 3000) =>
  new SignJWT({ ...decodeJwt(token), auth_time: 1 })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(new TextEncoder().encode(JWT_SECRET))

/**
 * Starts the function in this process over a migrated database, until the tests of the file have ended. Each response
 * is checked against openapi.yaml.
 */
export async function startApi() {
  const database = await serveDatabase(await openMigratedPglite())
  after(() => database.close())
  const send = await loadHandler(database.url)

  /** Sends an event; `code` is that of an error, and `token` is '' without one. */
  async function respond(event: APIGatewayProxyEventV2) {
    const { statusCode: status = 0, headers, body } = await send(event)
    assertDocumented({ statusCode: status, headers, body }, event.routeKey)
    const json = body ? bodyOf({ body }) : {}
    const { code, token = '', sessionToken = '' } = json
    return { status, headers, body, json, code, token: `${token}`, session: `${sessionToken}` }
  }
  const post = (name: string, body: unknown, token?: string) => {
    const event = eventWith(body, name)
    return respond(token === undefined ? event : withToken(event, token))
  }

  return {
    database,
    /** Lets each pause of a user last: the first lasts a second, which a busy machine may need for a request. */
    holdPauses: (username: string) =>
      database.query(
        `UPDATE users SET ${['', 'device_', 'fresh_'].map(
          (prefix) => `${prefix}paused_until = CASE WHEN ${prefix}failures >= 5
            THEN now() + interval '900 s' ELSE ${prefix}paused_until END`,
        )} WHERE username = $1`,
        [username],
      ),
    send,
    respond,
    /** Sends a body to the route of the event in events/ under that name. */
    post,
    signUp: (username: string, password = PASSWORD, idempotencyKey?: string) => {
      const event = eventWith({ username, password })
      const key = idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }
      return respond({ ...event, headers: { ...event.headers, ...key } })
    },
    signIn: (username: unknown, password: unknown = PASSWORD, token?: string) =>
      post('sign-in', { username, password }, token),
    me: (token: string) => respond(withToken(readEvent('me'), token)),
    renew: (session: string) => respond(withToken(readEvent('renew'), session)),
    signOut: (session: string) => respond(withToken(readEvent('sign-out'), session)),
  }
}
