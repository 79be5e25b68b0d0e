import { createSecretKey } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { expect, property } from './smoke-failure.ts'

/** How far the clocks of AWS and of this machine may be apart, in seconds. */
const CLOCK_SKEW_SECONDS = 60

export interface ExpectedToken {
  readonly username: string
  /** Without it the signature is not checked. */
  readonly key?: string | undefined
}

/**
 * Throws a `SmokeFailure` unless `token` is a JWT as README's "The token" has it, for `username`, fresh
 * and signed with `key`. No message of it quotes the token.
 */
export async function checkToken(token: unknown, { username, key }: ExpectedToken): Promise<void> {
  expect(typeof token === 'string', 'The 201 has no text in "token".')
  const { header, claims } = decode(token)

  const isHs256 = isDeepStrictEqual(header, { alg: 'HS256', typ: 'JWT' })
  expect(isHs256, `The token's header must be HS256 and JWT, not ${JSON.stringify(header)}.`)
  const id = property(claims['payload'], 'id')
  expect(
    isDeepStrictEqual(claims['payload'], { username, id }) && Number.isSafeInteger(id),
    `The token's claim "payload" must be the name as sent, ${username}, and a whole number as id.`,
  )
  expect(claims.sub === String(id), 'The token\'s claim "sub" must be the id as a string.')
  expectFresh(claims)

  if (key !== undefined) await expectSigned(token, key)
}

function decode(token: string) {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) }
  } catch {
    expect(false, 'The token is no JWT.')
  }
}

function expectFresh({ iat = Number.NaN, exp = Number.NaN }: { iat?: number; exp?: number }): void {
  const now = Date.now() / 1000
  const isNow = Math.abs(now - iat) <= CLOCK_SKEW_SECONDS
  expect(isNow, `The token's claim "iat" must be the time of now, ${now.toFixed(0)}, not ${iat}.`)
  expect(exp > iat && exp > now, `The token's claim "exp" must be yet to come, not ${exp}.`)
}

async function expectSigned(token: string, key: string): Promise<void> {
  try {
    await jwtVerify(token, createSecretKey(key, 'utf8'), {
      algorithms: ['HS256'],
      clockTolerance: CLOCK_SKEW_SECONDS,
    })
  } catch (error) {
    const code = error instanceof errors.JOSEError ? error.code : 'unknown'
    expect(false, `The token's signature does not hold under the stage's key (${code}).`)
  }
}
