import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExecuteStatementCommand } from '@aws-sdk/client-rds-data'
import { describeFault, type FaultReason } from './faults.ts'
import { SigningKeyError } from './signing-key.ts'
import { scriptDataApi } from './testing/data-api-script.ts'

const STATEMENT = new ExecuteStatementCommand({
  resourceArn: 'arn:aws:rds:eu-central-1:123456789012:cluster:latchkey',
  secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:latchkey-AbCdEf',
  sql: 'SELECT 1',
})

const UNKNOWN = 'AClassOfTomorrow'

/** An error class, the status AWS sends it with, and what the caller is told of it. */
const BY_CLASS: readonly (readonly [name: string, status: number, reason: FaultReason])[] = [
  ['DatabaseResumingException', 400, 'database_resuming'],
  ['DatabaseUnavailableException', 504, 'database_unavailable'],
  ['ServiceUnavailableError', 503, 'database_unavailable'],
  ['InternalServerErrorException', 500, 'database_unavailable'],
  ['StatementTimeoutException', 400, 'database_unavailable'],
  ['ThrottlingException', 400, 'database_unavailable'],
  ['TooManyRequestsException', 429, 'database_unavailable'],
  [UNKNOWN, 503, 'database_unavailable'],
  [UNKNOWN, 429, 'database_unavailable'],
  [UNKNOWN, 400, 'internal_error'],
  ['AccessDeniedException', 403, 'internal_error'],
  ['BadRequestException', 400, 'internal_error'],
  ['DatabaseErrorException', 400, 'internal_error'],
  ['DatabaseNotFoundException', 404, 'internal_error'],
  ['ForbiddenException', 403, 'internal_error'],
  ['InvalidSecretException', 400, 'internal_error'],
  ['ValidationException', 400, 'internal_error'],
]

for (const [errorType, status, reason] of BY_CLASS) {
  test(`the Data API's ${errorType} with status ${status} is ${reason}`, async (t) => {
    const answer = { status, errorType, body: { message: 'ERROR: text' } }
    const { client } = await scriptDataApi(t, [answer])
    const error: unknown = await client.send(STATEMENT).catch((thrown: unknown) => thrown)
    assert.deepEqual(describeFault(error), {
      reason,
      error: errorType,
      httpStatus: status,
      awsRequestId: 'scripted-request-id',
    })
  })
}

test('a class that is always worth another try is known by its name, without a status', () => {
  const known = BY_CLASS.filter(
    ([name, , reason]) => reason !== 'internal_error' && name !== UNKNOWN,
  )
  for (const [name, , reason] of known)
    assert.deepEqual(describeFault({ name }), { reason, error: name })
})

test("a proxy's HTML page is told by its status alone", async (t) => {
  const statuses = [
    [502, 'database_unavailable'],
    [429, 'database_unavailable'],
    [403, 'internal_error'],
  ] as const
  for (const [httpStatus, reason] of statuses) {
    const { client } = await scriptDataApi(t, [{ status: httpStatus, body: '<html>' }])
    const error: unknown = await client.send(STATEMENT).catch((thrown: unknown) => thrown)
    const { awsRequestId: _, ...fault } = describeFault(error)
    assert.deepEqual(fault, { reason, error: 'SyntaxError', httpStatus })
  }
})

test('a connection that breaks is worth another try, and its errno is told', async (t) => {
  const { client } = await scriptDataApi(t, [{ lost: true }])
  const error: unknown = await client.send(STATEMENT).catch((thrown: unknown) => thrown)
  const fault = describeFault(error)
  assert.equal(fault.errno, 'ECONNRESET')
  assert.equal(fault.reason, 'database_unavailable')
})

test('an errno of the network is database_unavailable, any other code is not', () => {
  const reasonFor = (code: string) => describeFault(Object.assign(new Error(), { code })).reason
  const network = ['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT']
  for (const code of [...network, 'EAI_AGAIN', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH']) {
    assert.equal(reasonFor(code), 'database_unavailable', code)
  }
  for (const code of ['ENOENT', 'EACCES', 'ERR_INVALID_ARG_TYPE', 'XECONNRESET']) {
    assert.equal(reasonFor(code), 'internal_error', code)
  }
})

test('a SQLSTATE that passes by itself is database_unavailable, any other is not', () => {
  const reasonFor = (sqlState: string) => {
    const message = `ERROR: text; Position: 1; SQLState: ${sqlState}`
    const fault = describeFault(
      Object.assign(new Error(message), { name: 'DatabaseErrorException' }),
    )
    assert.equal(fault.sqlState, sqlState)
    return fault.reason
  }
  for (const sqlState of ['08006', '08001', '40001', '40P01', '53300', '57014', '57P01', '57P03']) {
    assert.equal(reasonFor(sqlState), 'database_unavailable', sqlState)
  }
  for (const sqlState of ['23505', '42P01', '22021', '28P01', '00853']) {
    assert.equal(reasonFor(sqlState), 'internal_error', sqlState)
  }
})

test("middy's early time-out is timed_out", () => {
  const thrown = Object.assign(new Error('[AbortError]: …'), { name: 'TimeoutError' })
  assert.deepEqual(describeFault(thrown), { reason: 'timed_out', error: 'TimeoutError' })
})

test('whatever else is thrown is internal_error', () => {
  const thrown = [null, undefined, 'text', 7, 7n, true, Symbol('s'), () => {}, {}, [], new Error()]
  for (const value of [...thrown, { name: 7, message: {}, code: null, $metadata: 'none' }]) {
    assert.equal(describeFault(value).reason, 'internal_error')
  }
  for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
    assert.deepEqual(describeFault({ name }), { reason: 'internal_error', error: name })
  }
})

test('a described fault has names and numbers, and nothing of what the error says', async (t) => {
  const message =
    'ERROR: leak; INSERT INTO users VALUES (leak); arn:aws:rds:leak; $2b$12$leak; SQLState: 23505'
  const answer = { status: 400, errorType: 'DatabaseErrorException', body: { message } }
  const { client } = await scriptDataApi(t, [answer])
  const error: unknown = await client.send(STATEMENT).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof Error && error.message === message)
  Object.assign(error, { cause: new Error('leak'), body: 'leak' })
  assert.deepEqual(describeFault(error), {
    reason: 'internal_error',
    error: 'DatabaseErrorException',
    httpStatus: 400,
    sqlState: '23505',
    awsRequestId: 'scripted-request-id',
  })
})

test('of two SQLSTATEs in a message the last one counts, for the first may be quoted', () => {
  const fault = describeFault({
    message: 'ERROR: value "SQLState: 08secret" is bad; SQLState: 22001',
  })
  assert.equal(fault.sqlState, '22001')
  assert.equal(fault.reason, 'internal_error')
})

test('a key that cannot be read is told by our message and by the name of its cause', () => {
  const causes = [
    ['AccessDeniedException', 'internal_error'],
    ['ThrottlingException', 'service_unavailable'],
  ] as const
  for (const [name, reason] of causes) {
    const cause = Object.assign(new Error('arn:aws:secretsmanager'), { name })
    assert.deepEqual(describeFault(new SigningKeyError('The key.', { cause })), {
      reason,
      error: 'SigningKeyError',
      detail: 'The key.',
      cause: { error: name },
    })
  }
  assert.equal(describeFault(new SigningKeyError('Too short.')).reason, 'internal_error')
})
