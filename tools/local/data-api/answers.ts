import { DataApiError } from './errors.ts'

/** One answer over HTTP, without what every answer has. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  /** The AWS error class, for `x-amzn-errortype`. */
  readonly errorType?: string
  readonly body: string
}

const JSON_TYPE = 'application/json'

export const success = (body: object): Answer => ({
  status: 200,
  contentType: JSON_TYPE,
  body: JSON.stringify(body),
})

/** Anything thrown as the Data API answers it; what is no `DataApiError` keeps its message to itself. */
export function failure(thrown: unknown): Answer {
  const { name, status, message } =
    thrown instanceof DataApiError
      ? thrown
      : new DataApiError('InternalServerErrorException', 'The local Data API failed.')
  return { status, contentType: JSON_TYPE, errorType: name, body: JSON.stringify({ message }) }
}

/** One line for people. */
export const line = (status: number, text: string): Answer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${text}\n`,
})
