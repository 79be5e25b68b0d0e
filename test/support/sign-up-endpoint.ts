import { createSecretKey } from 'node:crypto'
import { SignJWT } from 'jose'
import { JWT_SECRET } from './handler.ts'
import type { HttpAnswer, HttpRequest } from './http-endpoint.ts'

export const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** The refusal that an endpoint answers with. */
export const refuse = (
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer => ({
  status,
  headers: { ...JSON_HEADERS, ...headers },
  body: JSON.stringify({ err: 'a text for people', code }),
})

export const create = (token: unknown): HttpAnswer => ({
  status: 201,
  headers: JSON_HEADERS,
  body: JSON.stringify({ token }),
})

/** A token as the service signs it, but for what is named otherwise. */
export async function signToken(
  username: string,
  other: {
    readonly claims?: Readonly<Record<string, unknown>>
    readonly header?: Readonly<Record<string, string>>
    readonly key?: string
  } = {},
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  const claims = { payload: { username, id: 7 }, sub: '7', iat, exp: iat + 60, ...other.claims }
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...other.header })
    .sign(createSecretKey(other.key ?? JWT_SECRET, 'utf8'))
}

/** The parts of an endpoint that a test may have wrong. */
export interface EndpointParts {
  readonly created?: (username: string) => HttpAnswer | Promise<HttpAnswer>
  readonly taken?: HttpAnswer
  readonly badBody?: HttpAnswer
}

/** Makes a sign-up endpoint that keeps the contract, but for the parts named. */
export function signUpEndpoint(parts: EndpointParts = {}) {
  const challenge = { 'www-authenticate': 'Bearer error="invalid_request"' }
  const {
    created = async (username) => create(await signToken(username)),
    taken = refuse(400, 'username_taken'),
    badBody = refuse(401, 'body_not_json', challenge),
  } = parts
  const names = new Set<string>()

  return ({ body }: HttpRequest): HttpAnswer | Promise<HttpAnswer> => {
    // The smoke test's only body that is not JSON has no password.
    if (!body.includes('"password"')) return badBody
    const { username }: { username: string } = JSON.parse(body)
    if (names.has(username.toLowerCase())) return taken
    names.add(username.toLowerCase())
    return created(username)
  }
}
