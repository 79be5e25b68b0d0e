import { randomBytes } from 'node:crypto'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { eventWith } from '../../test/support/handler.ts'

/** The password of everybody in the bench. */
export const PASSWORD = 'correct horse battery'

/** A name that nobody has, of 16 letters. */
export const newUsername = (): string => randomBytes(8).toString('hex')

/** A sign-up as API Gateway sends it. */
export const signUpEvent = (username = newUsername()): APIGatewayProxyEventV2 =>
  eventWith({ username, password: PASSWORD })
