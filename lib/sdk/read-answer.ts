import type { HttpAnswer } from './http-endpoint.ts'

/** Where the class of an error may stand in an answer. */
export type ErrorPlace = 'header' | 'code' | '__type'

/**
 * Reads the answer of a service that speaks JSON. Throws an error that has the name, message, `$fault` and
 * `$metadata` of the SDK's, its class looked for at `places`, the first one first; what is no JSON throws a
 * SyntaxError that has the `$metadata`.
 */
export function readAnswer(
  { statusCode, headers, body }: HttpAnswer,
  places: readonly ErrorPlace[],
) {
  const $metadata = { httpStatusCode: statusCode, requestId: headers['x-amzn-requestid'] }
  const output = parseJson(body, $metadata)
  if (statusCode < 300) return { ...output, $metadata }

  const told = {
    header: headers['x-amzn-errortype'],
    code: output['code'],
    __type: output['__type'],
  }
  const name = places.map((place) => told[place]).find((value) => typeof value === 'string')
  const message = output['message'] ?? output['Message']
  throw Object.assign(new Error(typeof message === 'string' ? message : 'UnknownError'), {
    name: className(name),
    $fault: statusCode < 500 ? 'client' : 'server',
    $metadata,
  })
}

function parseJson(json: string, $metadata: object): Readonly<Record<string, unknown>> {
  if (json === '') return {}
  try {
    return { ...JSON.parse(json) }
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { $metadata }) : error
  }
}

/** AWS writes an error's class as `Class`, `namespace#Class` or `Class:url`. */
function className(told = 'Unknown'): string {
  const [plain = ''] = told.split(/[,:]/)
  return plain.split('#').at(-1) ?? plain
}
