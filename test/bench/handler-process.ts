import { fork } from 'node:child_process'
import { on } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import type { Rig } from './rig.ts'

/** Milliseconds on the machine's monotonic clock, which all processes share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** One call of a handler, and its measurements; times are in milliseconds. */
export interface Call {
  readonly statusCode: number
  readonly body: string
  readonly start: number
  readonly end: number
  /** The wait for each Data API call. */
  readonly waits: readonly number[]
  /** Time of hashing, in tenths, as the function logs it; 0 without a hash. */
  readonly hashMs: number
  /** Peak memory of the process so far. */
  readonly peakBytes: number
  /** Used heap after the call; after a garbage collection if the target was `memory`. */
  readonly heapBytes: number
}

/** Work for a handler process: a call of its handler, without and with a garbage collection, or of the baseline. */
export interface Job {
  readonly target: 'handler' | 'memory' | 'baseline'
  readonly event: APIGatewayProxyEventV2
}

/** Work for the baseline: hash the password, and send the bytes of a Data API call. */
export interface BaselineRequest {
  readonly password: string
  readonly call: {
    readonly path: string
    readonly headers: IncomingHttpHeaders
    readonly body: string
  }
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
  const child = fork(rig.paths.handlerChild, [path, rig.paths.baseline], {
    execArgv: ['--expose-gc'],
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
  const started = take().then(({ loaded }): number => loaded)
  started.catch(() => {}) // The first call reports it.
  return {
    spawned,
    /** Resolves with the time at which the handler was loaded. */
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
