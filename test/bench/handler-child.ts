import { subscribe } from 'node:diagnostics_channel'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { sender } from '../support/handler.ts'
import { type Call, type Job, now, type Span } from './handler-process.ts'

// What a Lambda process does: it loads the handler at the first path and calls it with the bench's events.
// The second path is the floor, which is loaded at its first call.

const entered = now()

/** HTTP calls since the last event, from the start of the request to the headers of the response. */
let spans: Span[] = []
const sent = new WeakMap<object, number>()
subscribe('http.client.request.start', (message) => {
  sent.set(requestOf(message), now())
})
subscribe('http.client.response.finish', (message) => {
  const request = requestOf(message)
  const start = sent.get(request) ?? Number.NaN
  const name = Reflect.get(request, 'path') === '/Execute' ? 'data-api' : 'secret'
  spans.push({ name, start, end: now() })
})

/** Milliseconds of hashing since the last event, from the function's own log. */
let hashMs: number | undefined
const write = process.stdout.write.bind(process.stdout)
process.stdout.write = (chunk: string | Uint8Array) => {
  const [, logged] = /"hashMs":([\d.]+)/.exec(String(chunk)) ?? []
  if (logged !== undefined) hashMs = Number(logged)
  return write(chunk)
}

const [, , path = '', floorPath = ''] = process.argv
const load = (file: string) => sender(createRequire(file)(file).handler)
const handler = load(path)
const loaded = now()
let floor: typeof handler | undefined

async function perform({ target, event }: Job): Promise<Call> {
  if (target === 'floor') floor ??= load(floorPath)
  const called = target === 'floor' && floor ? floor : handler
  hashMs = undefined
  const start = now()
  const { statusCode = 0 } = await called(event)
  const end = now()
  // Those of the start are the first call's.
  const taken = spans
  spans = []
  return { statusCode, start, end, spans: taken, hashMs, peakBytes: peakMemory() }
}

/**
 * The most memory that this process has had, in bytes (maximum resident set size). On Linux `resourceUsage`
 * includes that of the process that started this one, and the status file does not.
 */
function peakMemory(): number {
  const status = '/proc/self/status'
  const own = existsSync(status) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))
  return (own ? Number(own[1]) : process.resourceUsage().maxRSS) * 1024
}

function requestOf(message: unknown): object {
  const request = Reflect.get(Object(message), 'request')
  if (typeof request === 'object' && request !== null) return request
  throw new TypeError('This Node publishes HTTP requests in another form.')
}

// As text: Node's own serialisation of messages costs the child more.
process.on('message', (job: string) => {
  void perform(JSON.parse(job)).then((call) => process.send?.(JSON.stringify(call)))
})
process.send?.(JSON.stringify({ entered, loaded }))
