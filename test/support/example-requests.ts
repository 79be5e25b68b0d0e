import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { BODY_MAX_BYTES } from '../../lib/http/json-body.ts'
import { bodyOf, eventName, ROUTE_KEYS, readEvent, withToken } from './handler.ts'

// Example requests of every route, for tests that must cover all of them. A route's event in events/ is its
// request that succeeds: a body there means that the route takes one, and an `authorization` that it is protected.

/** Returns the route's event, with the token if the route is protected and one is given. */
export function exampleEvent(routeKey: string, token?: string): APIGatewayProxyEventV2 {
  const event = readEvent(eventName(routeKey))
  return isProtected(routeKey) && token !== undefined ? withToken(event, token) : event
}

const authorizationOf = (routeKey: string) =>
  readEvent(eventName(routeKey)).headers['authorization']

/** Returns whether the route needs a session token. */
const isOfSession = (routeKey: string) => /^Bearer lks_/.test(authorizationOf(routeKey) ?? '')

/** Returns whether the route needs a token. */
export const isProtected = (routeKey: string) =>
  authorizationOf(routeKey) !== undefined && !isOfSession(routeKey)

/** The routes that need a session token. */
export const SESSION_ROUTE_KEYS = ROUTE_KEYS.filter(isOfSession)

/** The routes that need a token. */
export const PROTECTED_ROUTE_KEYS = ROUTE_KEYS.filter(isProtected)

/** The routes that take a body. */
export const BODY_ROUTE_KEYS = ROUTE_KEYS.filter(
  (routeKey) => readEvent(eventName(routeKey)).body !== undefined,
)

/** The members of the bodies of all routes. */
export const BODY_MEMBERS = [
  ...new Set(BODY_ROUTE_KEYS.flatMap((routeKey) => Object.keys(bodyOf(exampleEvent(routeKey))))),
]

/** The bodies that are rejected before their content is read, by code, as text. */
const BODIES: Readonly<Record<string, string>> = {
  body_missing: '',
  body_too_large: ' '.repeat(BODY_MAX_BYTES + 1),
  body_not_json: '{',
  body_not_object: '[]',
}

/** The values that are rejected, by the end of the code. `undefined` leaves the member out. */
const VALUES: Readonly<Record<string, unknown>> = {
  missing: undefined,
  not_string: 7,
  not_boolean: 'yes',
  not_well_formed: '\uD800 and the rest',
  too_long: 'x'.repeat(301),
  forbidden_character: 'a forbidden \uFFFD character',
  username_empty: '',
  username_outer_space: ' gary',
  username_leading_mark: '\u0301gary',
  username_invisible: '\u3164',
  password_too_short: 'short',
  password_nul: 'correct\0horse battery',
  password_is_service_name: 'LatchKey',
  password_common: 'Password1',
}

/** The members of bodies by the beginning of their codes. */
const MEMBERS: readonly (readonly [prefix: string, member: string])[] = [
  ['current_password_', 'currentPassword'],
  ['new_password_', 'newPassword'],
  ['password_', 'password'],
  ['username_', 'username'],
  ['session_', 'session'],
]

/** The account that an example request is made for. */
export interface Holder {
  readonly token: string
  readonly username: string
  /** The name of another account. */
  readonly takenName: string
}

/** Returns the route's event, changed so that it is rejected with `code`, or `undefined` if there is no example. */
export function rejectedEvent(
  routeKey: string,
  code: string,
  { token, username, takenName }: Holder,
): APIGatewayProxyEventV2 | undefined {
  const event = exampleEvent(routeKey, token)
  const { authorization: _, ...headers } = event.headers
  const withBody = (change: object) => ({
    ...event,
    body: JSON.stringify({ ...bodyOf(event), ...change }),
  })
  switch (code) {
    case 'token_missing':
    case 'session_missing':
      return { ...event, headers }
    case 'token_invalid':
      return withToken(event, 'x.y.z')
    case 'session_malformed':
      // The commonest mistake.
      return withToken(event, token)
    case 'session_ended':
      return event
    case 'idempotency_key_malformed':
      return { ...event, headers: { ...event.headers, 'idempotency-key': 'short' } }
    case 'body_not_utf8':
      return { ...event, body: Buffer.from([0xff]).toString('base64'), isBase64Encoded: true }
    case 'invalid_credentials': {
      const { currentPassword } = bodyOf(event)
      const member = currentPassword === undefined ? 'password' : 'currentPassword'
      return withBody({ [member]: 'wrong horse battery' })
    }
    case 'username_taken':
      return withBody({ username: takenName })
    case 'username_is_password':
      return withBody({ username: 'Correct  Horse', password: 'correct horse' })
    case 'password_is_username':
      return withBody({ username: 'correct horse', password: 'Correct  Horse' })
    case 'new_password_is_username':
      return withBody({ newPassword: username.toUpperCase() })
    case 'discovery_unavailable':
      return event
  }
  const body = BODIES[code]
  if (body !== undefined) return { ...event, body }
  const [prefix = '', member = ''] = MEMBERS.find(([prefix]) => code.startsWith(prefix)) ?? []
  const end = code.slice(prefix.length)
  const name = [end, `${prefix.replace(/^(current|new)_/, '')}${end}`].find((key) =>
    Object.hasOwn(VALUES, key),
  )
  return name === undefined ? undefined : withBody({ [member]: VALUES[name] })
}
