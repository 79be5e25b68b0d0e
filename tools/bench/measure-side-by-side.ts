import { availableParallelism } from 'node:os'
import { now } from './clock.ts'
import type { Figure } from './figures.ts'
import { type HandlerProcess, startHandler } from './handler-process.ts'
import type { Rig } from './rig.ts'
import { signUpEvent } from './sign-up-events.ts'
import { length } from './spans.ts'
import { median, summariseRatios } from './statistics.ts'
import { repeat } from './turns.ts'

/** Handlers at once; the first is what the others are compared with. */
const NUMBERS = [1, 2, 4] as const

/** One round of `number` handlers at once. */
interface Round {
  /** Sign-ups a second, of all of them. */
  readonly rate: number
  /** Median of a sign-up, in milliseconds. */
  readonly latency: number
}

/** Handlers side by side on one database: how many sign-ups a second they do, and whether one waits for another. */
export async function measureSideBySide(
  rig: Rig,
  rounds: number,
  signUps: number,
): Promise<Figure[]> {
  const handlers = Array.from({ length: Math.max(...NUMBERS) }, () => startHandler(rig))
  const results = new Map(NUMBERS.map((number): [number, Round[]] => [number, []]))
  try {
    await Promise.all(handlers.map((handler) => repeat(2, () => handler.call(signUpEvent()))))
    await repeat(rounds, async () => {
      for (const [number, done] of results) {
        done.push(await runRound(handlers.slice(0, number), signUps))
      }
    })
  } finally {
    await Promise.all(handlers.map((handler) => handler.stop()))
  }
  const column = (number: number, key: keyof Round) =>
    (results.get(number) ?? []).map((round) => round[key])
  const [two, four] = [2, 4].map((number) => ({
    rate: summariseRatios(column(number, 'rate'), column(1, 'rate')),
    latency: summariseRatios(column(number, 'latency'), column(1, 'latency')),
    detail: `${median(column(number, 'rate')).toFixed(1)} ÷ ${median(column(1, 'rate')).toFixed(1)} a second`,
  }))
  if (!two || !four) throw new Error('There are no rounds of two and of four handlers.')
  const cores = availableParallelism()
  return [
    { what: 'sign-ups a second, 2 handlers ÷ 1', summary: two.rate, detail: two.detail },
    { what: 'sign-ups a second, 4 handlers ÷ 1', summary: four.rate, detail: four.detail },
    {
      what: 'a sign-up beside another ÷ alone',
      summary: two.latency,
      detail: 'in a process of its own; 2 would be to wait for the other hash',
    },
  ].map((row) => ({ ...row, unit: '', digits: 2, detail: `${row.detail}; ${cores} cores` }))
}

async function runRound(handlers: readonly HandlerProcess[], signUps: number): Promise<Round> {
  const start = now()
  const calls = await Promise.all(
    handlers.map((handler) => repeat(signUps, () => handler.call(signUpEvent()))),
  )
  const seconds = (now() - start) / 1000
  return {
    rate: (handlers.length * signUps) / seconds,
    latency: median(calls.flat().map(length)),
  }
}
