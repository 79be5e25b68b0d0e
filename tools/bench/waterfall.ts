import type { FirstCall } from './measure-cold.ts'
import { type Call, named, type Span } from './spans.ts'

/** One chart: what a sign-up's time went to, in milliseconds from its start. */
export interface Waterfall {
  readonly title: string
  readonly total: number
  readonly lanes: readonly Lane[]
}

/** What is told of one thing; it may have been done in several stretches. */
export interface Lane {
  readonly label: string
  readonly colour: Colour
  readonly stretches: readonly Stretch[]
}

export type Stretch = Pick<Span, 'start' | 'end'>

export type Colour = 'process' | 'load' | 'secret' | 'hash' | 'wait' | 'own'

/** The chart of a sign-up in a process that has done some. */
export function warmWaterfall(call: Call): Waterfall {
  return {
    title: 'Sign-up in a warm process',
    total: call.end - call.start,
    lanes: since(call.start, lanesOf(call, call.start)),
  }
}

/** The chart of a new process's first sign-up, from the moment in which the process was asked for. */
export function coldWaterfall({ start, call }: FirstCall): Waterfall {
  const begin: readonly Lane[] = [
    lane('Node starts', 'process', [{ start: start.spawned, end: start.entered }]),
    lane('the bundle loads', 'load', [{ start: start.entered, end: start.loaded }]),
    lane('the signing key is read', 'secret', named(call, 'secret')),
  ]
  return {
    title: 'First sign-up of a new process',
    total: call.end - start.spawned,
    lanes: since(start.spawned, [...begin, ...lanesOf(call, start.loaded)]),
  }
}

function lanesOf(call: Call, start: number): Lane[] {
  const hashes = named(call, 'hash')
  const waits = named(call, 'data-api')
  return [
    lane('bcrypt hash', 'hash', hashes),
    lane('wait for the Data API', 'wait', waits),
    lane('all else', 'own', gaps(start, call.end, [...hashes, ...waits])),
  ]
}

const lane = (label: string, colour: Colour, stretches: readonly Stretch[]): Lane => ({
  label,
  colour,
  stretches,
})

/** What of the time from `start` to `end` the stretches, which are in order, leave uncovered. */
function gaps(start: number, end: number, stretches: readonly Stretch[]): Stretch[] {
  const edges = [start, ...stretches.flatMap((each) => [each.start, each.end]), end]
  return Array.from({ length: edges.length / 2 }, (_, index) => ({
    start: edges[2 * index] ?? start,
    end: edges[2 * index + 1] ?? end,
  }))
}

const since = (origin: number, lanes: readonly Lane[]): Lane[] =>
  lanes.map((each) => ({
    ...each,
    stretches: each.stretches.map(({ start, end }) => ({
      start: start - origin,
      end: end - origin,
    })),
  }))
