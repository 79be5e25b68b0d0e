import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExecuteStatementCommand } from '@aws-sdk/client-rds-data'
import { scriptDataApi } from '../../test/support/data-api-script.ts'
import { SigningKeyError } from '../adapters/key-ring.ts'
import { ConfigError } from '../config.ts'
import type { FaultReason, Retry } from './fault-policy.ts'
import { describeFault, retryFor } from './faults.ts'

const STATEMENT = new ExecuteStatementCommand({
  resourceArn: 'arn:aws:rds:eu-central-1:123456789012:cluster:latchkey',
  secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:latchkey-AbCdEf',
  sql: 'SELECT 1',
})

const UNKNOWN = 'AnUnknownClass'

/** Error classes with the status AWS sends them with, by the code of the response and the retry. */
const CLASSES: readonly (readonly [FaultReason, Retry, classes: string])[] = [
  ['database_resuming', 'slowly', 'DatabaseResumingException 400'],
  [
    'database_unavailable',
    'soon',
    `DatabaseUnavailableException 504, ServiceUnavailableError 503, InternalServerErrorException 500,
    InvalidResourceStateException 400, StatementTimeoutException 400, ThrottlingException 400,
    TooManyRequestsException 429, RequestLimitExceeded 400, RequestTimeoutException 400,
    ${UNKNOWN} 408, ${UNKNOWN} 503, ${UNKNOWN} 500, ${UNKNOWN} 429`,
  ],
  [
    'internal_error',
    'never',
    `${UNKNOWN} 499, ${UNKNOWN} 400, AccessDeniedException 403, BadRequestException 400,
    DatabaseErrorException 400, DatabaseNotFoundException 404, ForbiddenException 403,
    HttpEndpointNotEnabledException 400, InvalidSecretException 400, NotFoundException 404,
    SecretsErrorException 400, UnsupportedResultException 400, ValidationException 400`,
  ],
]
const BY_CLASS = CLASSES.flatMap(([reason, retry, classes]) =>
  classes.split(/,\s+/).map((each) => {
    const [errorType = '', status] = each.split(' ')
    return { errorType, status: Number(status), reason, retry }
  }),
)

test('each error class of the Data API has its code, its retry and its fields in the log', async (t) => {
  const body = { message: 'E' }
  const responses = BY_CLASS.map(({ errorType, status }) => ({ status, errorType, body }))
  const { client } = await scriptDataApi(t, responses)
  for (const { errorType, status: httpStatus, reason, retry } of BY_CLASS) {
    const error: unknown = await client.send(STATEMENT).catch((thrown: unknown) => thrown)
    const awsRequestId = 'scripted-request-id'
    assert.deepEqual(describeFault(error), { reason, error: errorType, httpStatus, awsRequestId })
    assert.equal(retryFor(error), retry, errorType)
  }
})

test('a class is recognised by its name, whatever the status', () => {
  for (const { errorType: name, reason, retry } of BY_CLASS) {
    if (name === UNKNOWN) continue
    assert.deepEqual(describeFault({ name }), { reason, error: name })
    assert.equal(retryFor({ name, $metadata: { httpStatusCode: 503 } }), retry, name)
  }
})

test("a proxy's HTML page is classified by its status, and with status 200 as a broken response", async (t) => {
  const statuses = [
    [502, 'database_unavailable', 'soon'],
    [429, 'database_unavailable', 'soon'],
    [403, 'internal_error', 'never'],
    [200, 'database_unavailable', 'soon'],
  ] as const
  for (const [httpStatus, reason, retry] of statuses) {
    const { client } = await scriptDataApi(t, [{ status: httpStatus, body: '<html>' }])
    const error: unknown = await client.send(STATEMENT).catch((thrown: unknown) => thrown)
    const { awsRequestId: _, ...fault } = describeFault(error)
    assert.deepEqual(fault, { reason, error: 'SyntaxError', httpStatus })
    assert.equal(retryFor(error), retry)
  }
})

test('a broken connection is retried, and its errno logged', async (t) => {
  const { client } = await scriptDataApi(t, [{ lost: true }])
  const error: unknown = await client.send(STATEMENT).catch((thrown: unknown) => thrown)
  const fault = describeFault(error)
  assert.equal(fault.errno, 'ECONNRESET')
  assert.equal(fault.reason, 'database_unavailable')
  assert.equal(retryFor(error), 'soon')
})

test('an errno of the network is database_unavailable, any other code is not', () => {
  const reasonFor = (code: string) => describeFault(Object.assign(new Error(), { code })).reason
  const network =
    'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE EPROTO ETIMEDOUT HPE_INVALID_CONSTANT EAI_AGAIN ENOTFOUND EHOSTUNREACH ENETUNREACH'
  for (const code of network.split(' ')) assert.equal(reasonFor(code), 'database_unavailable', code)
  for (const code of ['ENOENT', 'EACCES', 'ERR_INVALID_ARG_TYPE', 'XECONNRESET']) {
    assert.equal(reasonFor(code), 'internal_error', code)
  }
})

test('a transient SQLSTATE is database_unavailable, any other is not', () => {
  const name = 'DatabaseErrorException'
  const faultOf = (sqlState: string) =>
    Object.assign(new Error(`ERROR: text; Position: 1; SQLState: ${sqlState}`), { name })
  for (const [reason, retry, sqlStates] of [
    ['database_unavailable', 'soon', '08006 08001 40001 40P01 53300 57014 57P01 57P03 25006'],
    ['internal_error', 'never', '23505 42P01 22021 28P01 00853 25001'],
  ] as const) {
    for (const sqlState of sqlStates.split(' ')) {
      assert.deepEqual(describeFault(faultOf(sqlState)), { reason, error: name, sqlState })
      assert.equal(retryFor(faultOf(sqlState)), retry)
    }
  }
})

test('time-outs and empty responses are retried; bugs are not', () => {
  const status = { $metadata: { httpStatusCode: 200 } }
  const cases: readonly (readonly [object, FaultReason, Retry])[] = [
    [{ name: 'TimeoutError' }, 'timed_out', 'soon'],
    [{ name: 'AbortError' }, 'timed_out', 'soon'],
    [{ name: 'EmptyResponse' }, 'database_unavailable', 'soon'],
    [new SyntaxError('{'), 'internal_error', 'never'],
    [Object.assign(new TypeError(), status), 'internal_error', 'never'],
    [{ name: 'Odd', $metadata: { httpStatusCode: '503' } }, 'internal_error', 'never'],
  ]
  for (const [thrown, reason, retry] of cases) {
    assert.deepEqual([describeFault(thrown).reason, retryFor(thrown)], [reason, retry])
  }
})

test('anything else that is thrown is internal_error', () => {
  const thrown = [null, undefined, 'text', 7, 7n, true, Symbol('s'), () => {}, {}, [], new Error()]
  for (const value of [...thrown, { name: 7, message: {}, code: null, $metadata: 'none' }]) {
    assert.equal(describeFault(value).reason, 'internal_error')
  }
  for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
    assert.deepEqual(describeFault({ name }), { reason: 'internal_error', error: name })
  }
})

test('a described error has names and numbers, and nothing of its message', async (t) => {
  const message =
    'ERROR: leak; INSERT INTO users VALUES (leak); arn:aws:rds:leak; $2b$12$leak; SQLState: 23505'
  const response = { status: 400, errorType: 'DatabaseErrorException', body: { message } }
  const { client } = await scriptDataApi(t, [response])
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

test('a malformed name, code or id is left out', () => {
  for (const odd of ['', 'correct horse', 'x'.repeat(65), '$2b$10$h', 'a\nb']) {
    const thrown = { name: odd, code: odd, $metadata: { requestId: odd } }
    assert.deepEqual(describeFault(thrown), { reason: 'internal_error', error: 'object' })
  }
})

test('of two SQLSTATEs in a message the last counts, since the first may be quoted', () => {
  const message = 'ERROR: value "SQLState: 08secret" is bad; SQLState: 22001'
  const { sqlState, reason } = describeFault({ message })
  assert.deepEqual([sqlState, reason], ['22001', 'internal_error'])
})

test('a LoggableError is internal_error, with its message and the name of its cause', () => {
  const reason = 'internal_error'
  const denied = { name: 'AccessDeniedException', message: 'arn:aws:secretsmanager' }
  const cause = Object.assign(new Error(), denied)
  const key = { reason, error: 'SigningKeyError', detail: 'The key.' }
  assert.deepEqual(describeFault(new SigningKeyError('The key.', { cause })), {
    ...key,
    cause: { error: 'AccessDeniedException' },
  })
  assert.deepEqual(describeFault(new SigningKeyError('The key.')), key)
  const config = { reason, error: 'ConfigError', detail: 'DB_NAME is missing.' }
  assert.deepEqual(describeFault(new ConfigError('DB_NAME is missing.')), config)
})
