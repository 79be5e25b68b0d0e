import { DataApiError } from './errors.ts'
import { toJson } from './json.ts'

/** An HTTP response, without the headers that every one has. */
export interface HttpResponse {
  readonly status: number
  readonly contentType: string
  /** The AWS error class, for `x-amzn-errortype`. */
  readonly errorType?: string
  readonly body: string
}

/** A 200 with the JSON of `body`. */
export const success = (body: object): HttpResponse => ({
  status: 200,
  contentType: 'application/json',
  body: toJson(body),
})

/** The Data API's response to an error. Only a `DataApiError` shows its message. */
export function failure(thrown: unknown): HttpResponse {
  const { name, status, message } =
    thrown instanceof DataApiError
      ? thrown
      : new DataApiError('InternalServerErrorException', 'The local Data API failed.')
  return { ...success({ message }), status, errorType: name }
}

/** One line of plain text. */
export const line = (status: number, text: string): HttpResponse => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${text}\n`,
})
