import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogFormat } from './log-format.ts'

const LINE = {
  logLevel: 'INFO',
  message: 'signed up',
  timestamp: new Date('2026-01-02T03:04:05.678Z'),
  serviceName: 'latchkey',
  environment: '',
  awsRegion: 'eu-central-1',
  xRayTraceId: '',
  sampleRateValue: 0,
} as const

const CONTEXT = {
  functionName: 'latchkey-dev-auth',
  memoryLimitInMB: '1769',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:latchkey-dev-auth',
  awsRequestId: 'the id',
  coldStart: true,
}

const attributes = (lambdaContext: typeof CONTEXT | undefined) =>
  new LogFormat()
    .formatAttributes({ ...LINE, ...(lambdaContext && { lambdaContext }) }, { code: 'created' })
    .getAttributes()

const BARE = {
  level: 'INFO',
  message: 'signed up',
  timestamp: '2026-01-02T03:04:05.678Z',
  service: 'latchkey',
  code: 'created',
}

test('a line has these fields, then its own, and a request id only in a request', () => {
  const inRequest = { ...BARE, requestId: 'the id', coldStart: true }
  assert.deepEqual(JSON.parse(JSON.stringify(attributes(CONTEXT))), inRequest)
  assert.deepEqual(JSON.parse(JSON.stringify(attributes(undefined))), BARE)
})
