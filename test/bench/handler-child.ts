import { subscribe } from 'node:diagnostics_channel'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { sender } from '../support/handler.ts'
import { type Call, type Job, now } from './handler-process.ts'

// Acts as a Lambda process: loads the handler at the first path and calls it with the bench's events. The second
// path is the baseline's, which is loaded at its first call.

/** Data API calls since the last event, in milliseconds from the start of the request to the response's headers. */
let waits: number[] = []
const sent = new WeakMap<object, number>()
subscribe('http.client.request.start', (message) => {
  sent.set(requestOf(message), now())
})
subscribe('http.client.response.finish', (message) => {
  const request = requestOf(message)
  if (Reflect.get(request, 'path') === '/Execute') {
    waits.push(now() - (sent.get(request) ?? Number.NaN))
  }
})

/** Milliseconds of hashing since the last event, from the function's own log. */
let hashMs = 0
const write = process.stdout.write.bind(process.stdout)
process.stdout.write = (chunk: string | Uint8Array) => {
  const [, logged] = /"hashMs":([\d.]+)/.exec(String(chunk)) ?? []
  if (logged !== undefined) hashMs = Number(logged)
  return write(chunk)
}

const [, , path = '', baselinePath = ''] = process.argv
const load = (file: string) => sender(createRequire(file)(file).handler)
const handler = load(path)
const loaded = now()
let baseline: typeof handler | undefined

async function perform({ target, event }: Job): Promise<Call> {
  if (target === 'baseline') baseline ??= load(baselinePath)
  const called = target === 'baseline' && baseline ? baseline : handler
  waits = []
  hashMs = 0
  const start = now()
  const { statusCode = 0, body = '' } = await called(event)
  return {
    statusCode,
    body,
    start,
    end: now(),
    waits,
    hashMs,
    ...measureMemory(target === 'memory'),
  }
}

/**
 * Measures this process's peak memory in bytes (maximum resident set size), and its used heap. On
 * Linux `resourceUsage` includes that of the process that started this one, and the status file does not.
 */
function measureMemory(collects: boolean) {
  if (collects) globalThis.gc?.()
  const status = '/proc/self/status'
  const own = existsSync(status) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))
  const kilobytes = own ? Number(own[1]) : process.resourceUsage().maxRSS
  return { peakBytes: kilobytes * 1024, heapBytes: process.memoryUsage().heapUsed }
}

function requestOf(message: unknown): object {
  const request = Reflect.get(Object(message), 'request')
  if (typeof request === 'object' && request !== null) return request
  throw new TypeError('This Node publishes HTTP requests in another form.')
}

// As text, since Node's own serialisation of messages costs the child more.
process.on('message', (job: string) => {
  void perform(JSON.parse(job)).then((call) => process.send?.(JSON.stringify(call)))
})
process.send?.(JSON.stringify({ loaded }))
