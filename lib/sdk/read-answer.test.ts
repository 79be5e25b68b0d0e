import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorPlace, readAnswer } from './read-answer.ts'

const PLACES: readonly ErrorPlace[] = ['header', 'code', '__type']

function read(
  statusCode: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
  places = PLACES,
) {
  const answer = { statusCode, headers: { 'x-amzn-requestid': 'request-1', ...headers }, body }
  return readAnswer(answer, places)
}

const metadata = (httpStatusCode: number) => ({ httpStatusCode, requestId: 'request-1' })

test('an answer is its JSON, and the $metadata', () => {
  for (const status of [200, 299]) {
    assert.deepEqual(read(status, '{"a":"😀"}'), { a: '😀', $metadata: metadata(status) })
  }
})

test('an empty body, and a null, are as good as an empty object', () => {
  for (const body of ['', 'null', '{}']) {
    assert.deepEqual(read(200, body), { $metadata: metadata(200) })
    assert.throws(() => read(400, body, { 'x-amzn-errortype': 'Denied' }), {
      name: 'Denied',
      message: 'UnknownError',
      $fault: 'client',
      $metadata: metadata(400),
    })
  }
})

test('an answer without an id has none', () => {
  assert.deepEqual(readAnswer({ statusCode: 200, headers: {}, body: '{}' }, PLACES), {
    $metadata: { httpStatusCode: 200, requestId: undefined },
  })
})

for (const { status, fault } of [
  { status: 300, fault: 'client' },
  { status: 499, fault: 'client' },
  { status: 500, fault: 'server' },
  { status: 599, fault: 'server' },
]) {
  test(`${status} is a fault of the ${fault}, and an error that names nothing is Unknown`, () => {
    assert.throws(
      () => read(status, '{}'),
      (error) => {
        assert.ok(error instanceof Error)
        assert.deepEqual(
          { ...error, message: error.message },
          {
            name: 'Unknown',
            message: 'UnknownError',
            $fault: fault,
            $metadata: metadata(status),
          },
        )
        return true
      },
    )
  })
}

for (const { told, name } of [
  { told: 'DatabaseResumingException', name: 'DatabaseResumingException' },
  { told: 'DatabaseResumingException:http://host/coral#x', name: 'DatabaseResumingException' },
  { told: 'com.amazonaws.rdsdata#BadRequestException', name: 'BadRequestException' },
  { told: 'a#b#BadRequestException:http://host/', name: 'BadRequestException' },
  { told: 'ThrottlingException,ThrottlingException', name: 'ThrottlingException' },
]) {
  test(`of "${told}" the class is "${name}"`, () => {
    assert.throws(() => read(400, '{}', { 'x-amzn-errortype': told }), { name })
    assert.throws(() => read(400, JSON.stringify({ code: told })), { name })
    assert.throws(() => read(400, JSON.stringify({ __type: told })), { name })
  })
}

test('what is no text tells no class', () => {
  const header = { 'x-amzn-errortype': 'InHeader' }
  for (const __type of [null, 7, {}, ['InBody']]) {
    const body = JSON.stringify({ __type })
    assert.throws(() => read(400, body, header, ['__type', 'header']), { name: 'InHeader' })
  }
})

test('of several places the first that tells anything counts, and a place not asked for does not', () => {
  const body = '{"code":"InCode","__type":"InType"}'
  const header = { 'x-amzn-errortype': 'InHeader' }
  assert.throws(() => read(400, body, header), { name: 'InHeader' })
  assert.throws(() => read(400, body, header, ['code', 'header']), { name: 'InCode' })
  assert.throws(() => read(400, '{}', header, ['__type', 'header']), { name: 'InHeader' })
  assert.throws(() => read(400, '{}', header, ['code']), { name: 'Unknown' })
})

for (const { body, message } of [
  { body: { message: 'small', Message: 'capital' }, message: 'small' },
  { body: { Message: 'capital' }, message: 'capital' },
  { body: { message: { nested: true } }, message: 'UnknownError' },
]) {
  test(`the message of ${JSON.stringify(body)} is "${message}"`, () => {
    assert.throws(() => read(400, JSON.stringify(body)), { message })
  })
}

for (const { what, status, body } of [
  { what: "a proxy's page", status: 502, body: '<html>Bad Gateway</html>' },
  { what: 'half an answer', status: 200, body: '{"records":[[' },
]) {
  test(`${what} is a SyntaxError that keeps the $metadata`, () => {
    assert.throws(() => read(status, body), { name: 'SyntaxError', $metadata: metadata(status) })
  })
}
