import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import type { AuthenticatedAccount } from '../lib/accounts/account.ts'
import { ATTEMPT_LIMITS, counterOf } from '../lib/accounts/attempts.ts'
import { changePassword } from '../lib/accounts/change-password.ts'
import { changeUsername } from '../lib/accounts/change-username.ts'
import { deleteAccount } from '../lib/accounts/delete-account.ts'
import { me } from '../lib/accounts/me.ts'
import { renew } from '../lib/accounts/renew.ts'
import { signIn } from '../lib/accounts/sign-in.ts'
import { signOut } from '../lib/accounts/sign-out.ts'
import { signUp } from '../lib/accounts/sign-up.ts'
import type { Deps } from '../lib/composition.ts'
import type { Config } from '../lib/config.ts'
import { readBearerToken } from '../lib/http/bearer-token.ts'
import { readIdempotencyKey } from '../lib/http/idempotency-key.ts'
import { readJsonBody } from '../lib/http/json-body.ts'
import type { Outcome } from '../lib/http/outcomes.ts'
import {
  parsePassword,
  parsePasswordChange,
  parseSignIn,
  parseSignUp,
  parseUsernameChange,
} from '../lib/http/request-bodies.ts'
import { readSessionToken } from '../lib/http/session-token.ts'
import { discovery, keySet } from '../lib/http/well-known.ts'

/** Turns the proxy event of a route into the outcome. Rejects only on server errors. */
export type Route = (event: APIGatewayProxyEventV2, deps: Deps, config: Config) => Promise<Outcome>

/** Turns a proxy event into the input of a use case, or the reason it is rejected. */
type Parse<T> = (
  event: APIGatewayProxyEventV2,
  config: Config,
) => { readonly ok: true; readonly value: T } | Extract<Outcome, { ok: false }>

/** Every route, by API Gateway's route key. test/documents/routes.test.ts holds all other lists against this one. */
export const ROUTES: Readonly<Record<string, Route>> = {
  async 'POST /auth/sign-up'(event, deps, config) {
    const key = readIdempotencyKey(event.headers)
    if (!key.ok) return key
    const body = jsonBody(parseSignUp)(event, config)
    if (!body.ok) return body
    return signUp({ ...body.value, idempotencyKeySha256: key.sha256 }, deps)
  },

  async 'POST /auth/sign-in'(event, deps, config) {
    const body = jsonBody(parseSignIn)(event, config)
    if (!body.ok) return body
    // A token is optional here, and an invalid one is ignored.
    const session = readSessionToken(event.headers)
    if (session.ok) {
      return signIn({ ...body.value, tokenUser: undefined, shownDigest: session.digest }, deps)
    }
    const token = await authenticate(event, deps, ATTEMPT_LIMITS.deviceTokenExpiredSeconds)
    const tokenUser = token.ok ? token.user : undefined
    return signIn({ ...body.value, tokenUser, shownDigest: undefined }, deps)
  },

  'POST /auth/renew': sessionRoute(renew),
  'POST /auth/sign-out': sessionRoute(signOut),

  'GET /auth/me': protectedRoute(noBody, me),
  'POST /auth/change-password': protectedRoute(jsonBody(parsePasswordChange), changePassword),
  'POST /auth/change-username': protectedRoute(jsonBody(parseUsernameChange), changeUsername),
  'POST /auth/delete-account': protectedRoute(jsonBody(parsePassword), deleteAccount),

  'GET /.well-known/jwks.json': (_event, deps) => keySet(deps),

  async 'GET /.well-known/openid-configuration'(_event, _deps, { algorithm, token }) {
    return discovery(algorithm, token.issuer)
  },
}

/**
 * Creates a route for the holder of a valid token: checks the token, then parses the event, then reads the row. A
 * token that is older than the row's password is rejected, and so is that of a deleted account or an ended session.
 */
function protectedRoute<T>(
  parse: Parse<T>,
  useCase: (account: AuthenticatedAccount, input: T, deps: Deps) => Promise<Outcome>,
): Route {
  return async (event, deps, config) => {
    const token = await authenticate(event, deps)
    if (!token.ok) return token
    const input = parse(event, config)
    if (!input.ok) return input
    const { id, passwordVersion, sid } = token.user
    const account = await deps.findAccountById(id, sid)
    if (account?.passwordVersion !== passwordVersion) return { ok: false, reason: 'token_invalid' }
    const session = sid === undefined ? undefined : { sid }
    return useCase({ ...account, counter: counterOf(token.user), session }, input.value, deps)
  }
}

/** Creates a route for the holder of a session, which a token cannot replace. */
function sessionRoute(useCase: (digest: string, deps: Deps) => Promise<Outcome>): Route {
  return async (event, deps) => {
    const session = readSessionToken(event.headers)
    return session.ok ? useCase(session.digest, deps) : session
  }
}

/** Verifies the request's bearer token, and returns its user or the reason it is rejected. */
async function authenticate(
  event: APIGatewayProxyEventV2,
  { verifyToken }: Deps,
  expiredSeconds?: number,
) {
  const bearer = readBearerToken(event.headers)
  return bearer.ok ? verifyToken(bearer.token, expiredSeconds) : bearer
}

/** Reads the body as JSON, and parses it. */
function jsonBody<T>(parse: (body: unknown, config: Config) => ReturnType<Parse<T>>): Parse<T> {
  return (event, config) => {
    const body = readJsonBody(event)
    return body.ok ? parse(body.value, config) : body
  }
}

/** Parses the event of a route whose requests have no body. */
function noBody() {
  return { ok: true, value: undefined } as const
}
