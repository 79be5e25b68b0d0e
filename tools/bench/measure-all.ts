import type { Row } from './figures.ts'
import { measureCold, total } from './measure-cold.ts'
import { measureGrowth } from './measure-growth.ts'
import { measureMemory } from './measure-memory.ts'
import { measureOwnTime } from './measure-own-time.ts'
import { measureRefused } from './measure-refused.ts'
import { measureRival } from './measure-rival.ts'
import { measureSideBySide } from './measure-side-by-side.ts'
import { measureStartUp } from './measure-start-up.ts'
import { measureWarm } from './measure-warm.ts'
import type { Options } from './options.ts'
import type { Rig } from './rig.ts'
import { length } from './spans.ts'
import { coldWaterfall, type Waterfall, warmWaterfall } from './waterfall.ts'

/** The result of a run: the table's rows, the picture's charts, and the median of a warm hash. */
export interface Result {
  readonly rows: readonly Row[]
  readonly charts: readonly Waterfall[]
  readonly hashMs: number
}

/** Measures one thing after the other, and says which. */
export async function measureAll(
  rig: Rig,
  { rounds, users }: Options,
  say: (line: string) => void,
): Promise<Result> {
  say(`Warm sign-ups: ${rounds.warm} pairs`)
  const warm = await measureWarm(rig, rounds.warm)
  say(`Own time: ${rounds.ownTime} sign-ups, after ${rounds.warmUp} that are not counted`)
  const own = await measureOwnTime(rig, rounds.warmUp, rounds.ownTime)
  say(`Refusals: ${rounds.refused} of each kind`)
  const refused = await measureRefused(rig, rounds.refused)
  say(`Start-up: ${rounds.startUp} pairs of processes`)
  const startUp = await measureStartUp(rig, rounds.startUp)
  say(`First sign-ups: ${rounds.cold} pairs of processes`)
  const cold = await measureCold(rig, rounds.cold)
  say(`Memory: ${rounds.memory} pairs of processes, ${rounds.signUpsForMemory} sign-ups each`)
  const memory = await measureMemory(rig, rounds.memory, rounds.signUpsForMemory)
  say(`Growth: ${rounds.growth} pairs of statements, with ${users} users and with none`)
  const growth = await measureGrowth(rig, rounds.growth, users)
  say(`Side by side: ${rounds.sideBySide} rounds of ${rounds.signUpsSideBySide} sign-ups a handler`)
  const sideBySide = await measureSideBySide(rig, rounds.sideBySide, rounds.signUpsSideBySide)
  say(`Fastify: ${rounds.rival} pairs`)
  const rival = await measureRival(rig, rounds.rival)
  return {
    rows: [
      warm.againstFloor,
      own,
      warm.calls,
      refused,
      ...startUp,
      ...cold.rows,
      memory,
      ...growth,
      ...sideBySide,
      ...rival,
    ],
    charts: [
      coldWaterfall(middle(cold.firstCalls, total)),
      warmWaterfall(middle(warm.signUps, length)),
    ],
    hashMs: warm.hashMs,
  }
}

/** The one in the middle by that measure: a real one, where a median of each part would be nobody's. */
function middle<T>(values: readonly T[], measure: (value: T) => number): T {
  const sorted = values.toSorted((a, b) => measure(a) - measure(b))
  const found = sorted[Math.floor(sorted.length / 2)]
  if (found === undefined) throw new RangeError('There is nothing in the middle of nothing.')
  return found
}
