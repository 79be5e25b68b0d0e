import { DataApiError } from './errors.ts'
import { failure, type HttpResponse } from './responses.ts'

/**
 * Replaces the response to one call. `call` performs it and never rejects; `closing` resolves when the server
 * closes. Resolves with the response, or with `undefined` to break the connection.
 */
type InjectedFault = (
  call: () => Promise<HttpResponse>,
  closing: Promise<void>,
) => Promise<HttpResponse | undefined>

/** Longer than a healthy call takes, and shorter than the function's time limit. */
const SLOW_MILLISECONDS = 3_000

/** The page of a proxy whose upstream, AWS, does not respond. */
const BAD_GATEWAY: HttpResponse = {
  status: 502,
  contentType: 'text/html',
  body: '<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>',
}

/** The faults of AWS and of the network, by the names that a plan uses. */
export const INJECTED_FAULTS = {
  resuming: reject(
    'DatabaseResumingException',
    'The Aurora DB instance db-LOCAL is resuming after being auto-paused. Please wait a few seconds and try again.',
  ),
  throttled: reject('ThrottlingException', 'Rate exceeded'),
  unavailable: reject('ServiceUnavailableError', 'The service is not available.'),
  'bad-gateway': async () => BAD_GATEWAY,
  'reset-before': async () => undefined,
  'reset-after': async (call) => {
    await call()
    return undefined
  },
  slow: async (call, closing) => {
    const response = await call()
    const late = new Promise((resolve) => setTimeout(resolve, SLOW_MILLISECONDS).unref())
    await Promise.race([late, closing])
    return response
  },
  hang: async (_call, closing) => {
    await closing
    return undefined
  },
  'broken-json': async (call) => {
    const response = await call()
    return { ...response, body: response.body.slice(0, response.body.length / 2) }
  },
  'access-denied': reject('AccessDeniedException', 'User is not authorized to perform this call.'),
} as const satisfies Readonly<Record<string, InjectedFault>>

/** A name in {@link INJECTED_FAULTS}. */
export type FaultName = keyof typeof INJECTED_FAULTS

/** An error of AWS instead of the call. */
function reject(name: DataApiError['name'], message: string): InjectedFault {
  return async () => failure(new DataApiError(name, message))
}

const WORD = /^([a-z-]+)(?::([1-9]\d{0,2}))?$/

const HOW_TO_WRITE = `A plan is words of the form name or name:COUNT, with a COUNT of 1 to 999, and the names are ${Object.keys(INJECTED_FAULTS).join(', ')}.`

const isFaultName = (name: string): name is FaultName => Object.hasOwn(INJECTED_FAULTS, name)

/** The faults that one server still has to inject. */
export function createFaultQueue() {
  let plan: readonly FaultName[] = []
  return {
    /**
     * Replaces the rest of the plan with one such as `resuming:3 reset-after, throttled`; the empty text plans
     * nothing. Returns the problem of an invalid plan, which changes nothing.
     */
    replace(text: string): string | undefined {
      const parsed: FaultName[] = []
      for (const word of text.split(/[\s,]+/).filter(Boolean)) {
        const [, name = '', count = '1'] = WORD.exec(word) ?? []
        if (!isFaultName(name)) return `${JSON.stringify(word)} is not a fault. ${HOW_TO_WRITE}`
        for (let i = 0; i < Number(count); i += 1) parsed.push(name)
      }
      plan = parsed
      return undefined
    },
    /** The rest of the plan. */
    left: () => plan.join(' '),
    /** Takes the next call's fault, if there is one. */
    take(): InjectedFault | undefined {
      const [next, ...rest] = plan
      plan = rest
      return next && INJECTED_FAULTS[next]
    },
  }
}

/** The return type of {@link createFaultQueue}. */
export type FaultQueue = ReturnType<typeof createFaultQueue>
