import { type Answer, failure } from './answers.ts'
import { DataApiError } from './errors.ts'

/**
 * What becomes of one call: `call` does what was asked and never rejects. Resolves with what is sent, or
 * with nothing where the connection is to break. `closing` resolves when the server is to end.
 */
export type InjectedFault = (
  call: () => Promise<Answer>,
  closing: Promise<void>,
) => Promise<Answer | undefined>

/** Longer than a healthy call ever takes, shorter than a caller's patience. */
const SLOW_MILLISECONDS = 3_000

/** What proxies in front of AWS answer when they get no answer themselves. */
const BAD_GATEWAY: Answer = {
  status: 502,
  contentType: 'text/html',
  body: '<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>',
}

/** The faults of AWS and of the network, by the names that a plan uses. */
export const INJECTED_FAULTS = {
  resuming: refuse(
    'DatabaseResumingException',
    'The Aurora DB instance db-LOCAL is resuming after being auto-paused. Please wait a few seconds and try again.',
  ),
  throttled: refuse('ThrottlingException', 'Rate exceeded'),
  unavailable: refuse('ServiceUnavailableError', 'The service is not available.'),
  'bad-gateway': async () => BAD_GATEWAY,
  'reset-before': async () => undefined,
  'reset-after': async (call) => {
    await call()
    return undefined
  },
  slow: async (call, closing) => {
    const answer = await call()
    const late = new Promise((resolve) => setTimeout(resolve, SLOW_MILLISECONDS).unref())
    await Promise.race([late, closing])
    return answer
  },
  hang: async (_call, closing) => {
    await closing
    return undefined
  },
  'broken-json': async (call) => {
    const answer = await call()
    return { ...answer, body: answer.body.slice(0, answer.body.length / 2) }
  },
  'access-denied': refuse('AccessDeniedException', 'User is not authorized to perform this call.'),
} as const satisfies Readonly<Record<string, InjectedFault>>

export type FaultName = keyof typeof INJECTED_FAULTS

/** An error of AWS's in the call's place. */
function refuse(name: DataApiError['name'], message: string): InjectedFault {
  return async () => failure(new DataApiError(name, message))
}
