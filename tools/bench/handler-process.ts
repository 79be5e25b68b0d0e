import { fork } from 'node:child_process'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { now } from './clock.ts'
import { createMessageQueue } from './message-queue.ts'
import type { Rig } from './rig.ts'
import type { Call } from './spans.ts'

/** What a handler process is asked to do: to call its handler, or the floor's, and measure that. */
export interface Job {
  readonly target: 'handler' | 'floor'
  readonly event: APIGatewayProxyEventV2
}

/** When a process was asked for, when its first line ran, and when it had loaded the handler. */
export interface Start {
  readonly spawned: number
  readonly entered: number
  readonly loaded: number
}

/** A process of its own with a handler in it, as Lambda has. */
export interface HandlerProcess {
  /** Resolves once the handler is loaded. */
  readonly started: Promise<Start>
  /** One at a time. A first one may be sent before the handler is loaded. */
  call(event: APIGatewayProxyEventV2, target?: Job['target']): Promise<Call>
  stop(): Promise<void>
}

/** Starts a process that loads `path`, the bundle unless it is said otherwise. It prints faults on stderr. */
export function startHandler(
  rig: Rig,
  path = rig.paths.bundle,
  env: Readonly<Record<string, string>> = {},
): HandlerProcess {
  const spawned = now()
  const child = fork(rig.paths.handlerChild, [path, rig.paths.floorWithHash], {
    execArgv: [],
    env: { ...rig.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  child.stdout?.resume() // Its log lines and metrics.

  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const messages = createMessageQueue()
  child.on('message', (message: string) => messages.put(message))
  void ended.then(() => messages.end(new Error(`A process with ${path} has ended by itself.`)))

  const started = messages.take().then((text): Start => ({ spawned, ...JSON.parse(text) }))
  started.catch(() => {}) // A call meets the same error.
  return {
    started,
    async call(event, target = 'handler') {
      const job: Job = { target, event }
      child.send(JSON.stringify(job))
      await started
      return JSON.parse(await messages.take())
    },
    async stop() {
      child.kill()
      await ended
    },
  }
}
