import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { now } from './clock.ts'
import { exactly, type Figure, KB } from './figures.ts'
import type { Rig } from './rig.ts'
import { median, summariseRatios } from './statistics.ts'
import { inTurns } from './turns.ts'

/** Milliseconds of one start: from the spawn until the handler is loaded, and of CPU until then. */
export interface StartUp {
  readonly wall: number
  readonly cpu: number
}

/** The bundle's size, and from the spawn of a process until it has loaded it, against the floor handler. */
export async function measureStartUp(rig: Rig, rounds: number): Promise<Figure[]> {
  const start = (path: string) => () => startOnce(rig, path)
  const { first: own, second: floor } = await inTurns(
    rounds,
    start(rig.paths.bundle),
    start(rig.paths.floor),
  )
  const ratio = (what: string, key: keyof StartUp): Omit<Figure, 'atMost'> => {
    const [values, floors] = [own, floor].map((starts) => starts.map((times) => times[key]))
    return {
      what,
      summary: summariseRatios(values ?? [], floors ?? []),
      unit: '',
      digits: 2,
      detail: `${median(values ?? []).toFixed(0)} ms ÷ ${median(floors ?? []).toFixed(0)} ms`,
    }
  }
  const { size } = await stat(rig.paths.bundle)
  return [
    {
      what: 'bundle, minified',
      summary: exactly(size / KB),
      unit: 'KB',
      digits: 0,
      atMost: 250,
      detail: 'with logger, metrics, the clients of both AWS services, the common passwords',
    },
    {
      ...ratio('start-up ÷ a handler with `node:https` and `node:crypto` alone', 'wall'),
      atMost: 1.5,
    },
    ratio('start-up in CPU time ÷ the same', 'cpu'),
  ]
}

/** Starts one process that loads the handler at `path`. */
export async function startOnce(
  rig: { readonly env: Rig['env']; readonly paths: Pick<Rig['paths'], 'startChild'> },
  path: string,
): Promise<StartUp> {
  const spawned = now()
  const child = spawn(process.execPath, [rig.paths.startChild, path], {
    env: rig.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ready = once(child.stdout, 'readable').then(now)
  const [told, [status]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (status !== 0) throw new Error(`A process that loads ${path} ended with ${status}.`)
  return { wall: (await ready) - spawned, cpu: Number(told) }
}
