import { subscribe } from 'node:diagnostics_channel'
import { CLOCK_OFFSET, now } from './clock.ts'
import type { Span } from './spans.ts'

/**
 * Records, from now on, what the function in this process tells of its hashes (`lib/timings.ts`) and what
 * Node tells of its HTTP requests. The function returned gives all spans that ended since it was last called.
 * It loads no module that a handler would otherwise have to load itself.
 */
export function recordSpans(): () => readonly Span[] {
  let spans: Span[] = []
  const sent = new WeakMap<object, number>()

  subscribe('latchkey:step', (step) => {
    if (!isStep(step) || step.name !== 'hashMs') return
    spans.push({ name: 'hash', start: step.start + CLOCK_OFFSET, end: step.end + CLOCK_OFFSET })
  })
  subscribe('http.client.request.start', (message) => {
    const start = now() // First: what the recording takes is none of the function's time.
    sent.set(requestOf(message), start)
  })
  subscribe('http.client.response.finish', (message) => {
    const request = requestOf(message)
    const start = sent.get(request)
    if (start === undefined) return
    const name = Reflect.get(request, 'path') === '/Execute' ? 'data-api' : 'secret'
    spans.push({ name, start, end: now() })
  })

  return () => {
    const taken = spans
    spans = []
    return taken
  }
}

const isStep = (value: unknown): value is Step =>
  typeof value === 'object' && value !== null && 'name' in value && 'start' in value

function requestOf(message: unknown): object {
  if (typeof message === 'object' && message !== null && 'request' in message) {
    if (typeof message.request === 'object' && message.request !== null) return message.request
  }
  throw new TypeError('Node tells of an HTTP request in another form than it did.')
}
