import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HttpAnswer, serveHttp } from '../../test/support/http-endpoint.ts'
import { loadBoth, SECRET, STATEMENT } from '../../test/support/own-and-sdk-clients.ts'
import { json, SECRET_KEY } from '../../test/support/sdk-endpoint.ts'
import { signatureOf } from '../../test/support/signature.ts'

const error = (status: number, type: string, body: unknown = { message: 'why' }) =>
  json(status, body, { 'x-amzn-errortype': type })

type Answers = Readonly<Record<string, HttpAnswer>>

const ROWS: Answers = {
  'a row': json(200, { records: [[{ longValue: 7 }, { stringValue: 'Zoë 😀' }]] }),
  'no row': json(200, { records: [], numberOfRecordsUpdated: 0 }),
  'nulls and fractions': json(200, { records: [[{ isNull: true }, { doubleValue: 0.5 }]] }),
  'an id that JavaScript cannot hold': json(200, '{"records":[[{"longValue":9007199254740993}]]}'),
}
const SECRETS: Answers = {
  'a secret': json(200, { ARN: 'arn:', Name: 'jwt', SecretString: 'key', VersionStages: ['A'] }),
}
const EITHER: Answers = {
  'an empty object': json(200, {}),
  'an empty body': json(200, ''),
  'a modelled error': error(400, 'BadRequestException'),
  'an error with a URL': error(400, 'DatabaseResumingException:http://internal.amazon.com/coral/'),
  'an error in the body': json(400, {
    __type: 'com.amazonaws#AccessDeniedException',
    Message: 'no',
  }),
  'two names': json(400, { __type: 'ResourceNotFoundException' }, { 'x-amzn-errortype': 'Other' }),
  'an unmodelled error': error(429, 'TooManyRequestsException'),
  'a server error without a body': error(504, 'DatabaseUnavailableException', ''),
  'an error without a name': json(500, {}),
  "a proxy's page": json(502, '<html>', { 'content-type': 'text/html' }),
  'half an answer': json(200, '{"records":[['),
  'a redirection': json(301, ''),
}

/** What differs from request to request, or tells who sent it. */
const PASSING = /^(authorization|x-amz-date|amz-sdk-.*|(x-amz-)?user-agent)$/

for (const { operation, input, answers } of [
  { operation: 'execute', input: STATEMENT, answers: { ...ROWS, ...EITHER } },
  { operation: 'getSecret', input: SECRET, answers: { ...SECRETS, ...EITHER } },
] as const) {
  test(`${operation} sends and reads the same by our clients as by the SDK's`, async (t) => {
    const [own, sdk] = await loadBoth(t)
    for (const [name, answer] of Object.entries(answers)) {
      const { url, requests } = await serveHttp(t, () => answer)
      process.env['AWS_ENDPOINT_URL'] = url
      const read = await own[operation](input, { maxAttempts: 1 })
      assert.deepEqual(read, await sdk[operation](input, { maxAttempts: 1 }), name)
      const [ours, theirs] = requests.map(({ path, headers, body }) => ({
        path,
        body,
        headers: Object.fromEntries(Object.entries(headers).filter(([key]) => !PASSING.test(key))),
      }))
      assert.deepEqual(ours, theirs, name)
      for (const request of requests) {
        assert.equal(request.headers['authorization'], signatureOf(request, SECRET_KEY), name)
      }
    }
  })
}
