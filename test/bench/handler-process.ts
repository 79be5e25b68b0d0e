import { fork } from 'node:child_process'
import { on } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import type { Rig } from './rig.ts'

/** Milliseconds on the machine's monotonic clock, which all processes share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** A stretch of time on that clock. */
export interface Span {
  readonly name: 'data-api' | 'secret'
  readonly start: number
  readonly end: number
}

/** One call of a handler, and what was measured inside. */
export interface Call {
  readonly statusCode: number
  readonly start: number
  readonly end: number
  readonly spans: readonly Span[]
  /** Milliseconds of hashing, in tenths, as the function logs them. */
  readonly hashMs?: number | undefined
  /** The most memory that the process has had so far. */
  readonly peakBytes: number
}

/** Milliseconds from start to end. */
export const length = ({ start, end }: { readonly start: number; readonly end: number }): number =>
  end - start

/** The waits for the Data API. */
export const waits = ({ spans }: Call): readonly Span[] =>
  spans.filter(({ name }) => name === 'data-api')

/** What a handler process is asked for: a call of its handler, or of the floor's. */
export interface Job {
  readonly target: 'handler' | 'floor'
  readonly event: APIGatewayProxyEventV2
}

/** What the floor handler is asked for: to hash the password, and to send the bytes of a Data API call. */
export interface FloorRequest {
  readonly password: string
  readonly call: {
    readonly path: string
    readonly headers: IncomingHttpHeaders
    readonly body: string
  }
}

/** When a process was spawned, when its first line ran, and when it had loaded the handler. */
export interface Start {
  readonly spawned: number
  readonly entered: number
  readonly loaded: number
}

/**
 * Starts a process that loads the handler at `path`, as Lambda does. `call` takes one event at a time, the
 * first also before the handler is loaded. What the process logs on stderr is shown.
 */
export function startHandler(
  rig: Rig,
  path = rig.paths.bundle,
  env: Readonly<Record<string, string>> = {},
) {
  const spawned = now()
  const child = fork(rig.paths.handlerChild, [path, rig.paths.floorWithHash], {
    execArgv: [],
    env: { ...rig.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  child.stdout?.resume()
  const messages = on(child, 'message', { close: ['exit'] })
  const take = async () => {
    const { value, done } = await messages.next()
    if (done) throw new Error(`A process with ${path} has ended by itself.`)
    return JSON.parse(value[0])
  }
  const started = take().then((times): Start => ({ spawned, ...times }))
  started.catch(() => {}) // The first call reports it.
  return {
    started,
    async call(event: APIGatewayProxyEventV2, target: Job['target'] = 'handler'): Promise<Call> {
      const job: Job = { target, event }
      child.send(JSON.stringify(job))
      await started
      return take()
    },
    async stop(): Promise<void> {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await exited
    },
  }
}
