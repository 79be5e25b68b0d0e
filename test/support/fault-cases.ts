import type { ScriptedAnswer } from './data-api-script.ts'
import { environment, eventWith } from './handler.ts'

const PASSWORD = 'correct horse battery'
/** A good sign-up. */
export const SIGN_UP = eventWith({ username: 'gary', password: PASSWORD })
const ROW: ScriptedAnswer = {
  body: { records: [[{ longValue: 7 }, { stringValue: 'gary' }]], numberOfRecordsUpdated: 1 },
}
const { DB_CLUSTER_ARN, DB_SECRET_ARN, JWT_SECRET } = environment('')

/** What may be neither answered nor logged. */
export const SECRETS = [PASSWORD, JWT_SECRET, DB_CLUSTER_ARN, DB_SECRET_ARN]

/** What AWS may put into an error's message; none of it may go further. */
const REVEALING = `ERROR: ${DB_CLUSTER_ARN} INSERT INTO users ${PASSWORD} $2b$10$abc`

const fault = (errorType: string, status: number, sqlState = ''): ScriptedAnswer => ({
  status,
  errorType,
  body: { message: `${REVEALING}${sqlState && `; SQLState: ${sqlState}`}` },
})

/** What the Data API answers, and what is to come of it. The last answer is that to every call that comes after it. */
export interface FaultCase {
  readonly name: string
  readonly answers: readonly [ScriptedAnswer, ...ScriptedAnswer[]]
  readonly status: 201 | 400 | 500 | 503
  readonly code?: string
  readonly retryAfter?: string
  readonly logged?: Readonly<Record<string, unknown>>
  /** Calls that are made of it; where time decides, at least two. */
  readonly calls?: number
}

const resuming = fault('DatabaseResumingException', 400)
const unavailable = fault('ServiceUnavailableError', 503)
const throttled = fault('ThrottlingException', 400)
const htmlPage: ScriptedAnswer = { status: 502, body: `<html>${REVEALING}</html>` }
const lost: ScriptedAnswer = { lost: true }
/** An answer that never comes. */
export const HANGS: ScriptedAnswer = { hangs: true }
const EMPTY: ScriptedAnswer = { body: '' }
const cutOff: ScriptedAnswer = { body: '{"records":[[{"longValue":7},{"stringV' }

/** Faults that pass by themselves. */
export const PASSING: readonly FaultCase[] = [
  { name: 'a database that wakes up', answers: [resuming, ROW], status: 201, calls: 2 },
  { name: 'a throttled call', answers: [throttled, throttled, ROW], status: 201, calls: 3 },
  { name: 'a short outage', answers: [unavailable, htmlPage, ROW], status: 201, calls: 3 },
  { name: 'a lost answer', answers: [lost, ROW], status: 201, calls: 2 },
  { name: 'lost answers', answers: [lost, lost, lost, lost, ROW], status: 201, calls: 5 },
  {
    name: 'an answer of which nothing is left',
    answers: [EMPTY, { body: '{}' }, ROW],
    status: 201,
    calls: 3,
  },
  { name: 'an answer that was cut off', answers: [cutOff, ROW], status: 201, calls: 2 },
  { name: 'a call that hangs once', answers: [HANGS, ROW], status: 201, calls: 2 },
  {
    name: 'an outage, and then a rival who was quicker',
    answers: [unavailable, { body: { records: [], numberOfRecordsUpdated: 0 } }],
    status: 400,
    code: 'username_taken',
    calls: 2,
  },
]

/** Faults that last, or that no other call mends. */
export const LASTING: readonly FaultCase[] = [
  {
    name: 'a paused database',
    answers: [resuming],
    status: 503,
    code: 'database_resuming',
    retryAfter: '15',
    logged: { error: 'DatabaseResumingException', httpStatus: 400 },
  },
  {
    name: 'a Data API that stays unavailable',
    answers: [unavailable],
    status: 503,
    code: 'database_unavailable',
    retryAfter: '5',
    logged: { error: 'ServiceUnavailableError', httpStatus: 503 },
  },
  {
    name: "a proxy's HTML",
    answers: [htmlPage],
    status: 503,
    code: 'database_unavailable',
    retryAfter: '5',
    logged: { error: 'SyntaxError', httpStatus: 502 },
  },
  {
    name: 'a network that breaks every connection',
    answers: [lost],
    status: 503,
    code: 'database_unavailable',
    retryAfter: '5',
    logged: { errno: 'ECONNRESET' },
  },
  {
    name: 'a database that never answers',
    answers: [HANGS],
    status: 503,
    code: 'timed_out',
    retryAfter: '5',
    logged: { error: 'TimeoutError' },
  },
  {
    name: 'a missing table',
    answers: [fault('DatabaseErrorException', 400, '42P01')],
    status: 500,
    code: 'internal_error',
    logged: { error: 'DatabaseErrorException', sqlState: '42P01' },
    calls: 1,
  },
  {
    name: 'a forbidden call',
    answers: [fault('AccessDeniedException', 403)],
    status: 500,
    code: 'internal_error',
    logged: { error: 'AccessDeniedException', httpStatus: 403 },
    calls: 1,
  },
  {
    name: 'a wrong secret',
    answers: [fault('InvalidSecretException', 400)],
    status: 500,
    code: 'internal_error',
    logged: { error: 'InvalidSecretException' },
    calls: 1,
  },
]
