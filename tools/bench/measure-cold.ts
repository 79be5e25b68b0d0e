import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import type { Figure } from './figures.ts'
import { floorEvents } from './floor-request.ts'
import { type Start, startHandler } from './handler-process.ts'
import type { Rig } from './rig.ts'
import { signUpEvent } from './sign-up-events.ts'
import { type Call, length, named } from './spans.ts'
import { median, summarise, summariseRatios } from './statistics.ts'
import { inTurns } from './turns.ts'

/** A new process and the first call of its handler. */
export interface FirstCall {
  readonly start: Start
  readonly call: Call
}

/** The first sign-up of new processes, against their own parts and against the floor's first. */
export async function measureCold(rig: Rig, rounds: number) {
  const floorEvent = await floorEvents(rig)
  const { first, second } = await inTurns(
    rounds,
    () => firstCall(rig, rig.paths.bundle, signUpEvent()),
    () => firstCall(rig, rig.paths.floorWithHash, floorEvent()),
  )
  const [own, floor] = [first, second].map((calls) => calls.map(total))
  const parts = first.map(sumOfParts)
  const rests = first.map((each, index) => total(each) - (parts[index] ?? Number.NaN))
  const rows: Figure[] = [
    {
      what: 'first sign-up of a new process ÷ its start-up, hash and wait',
      summary: summarise(first.map((each, index) => total(each) / (parts[index] ?? Number.NaN))),
      unit: '',
      digits: 2,
      detail: `${median(rests).toFixed(0)} ms are none of the three; the signing key is read meanwhile`,
    },
    {
      what: 'first sign-up ÷ a bare process that hashes and calls once',
      summary: summariseRatios(own ?? [], floor ?? []),
      unit: '',
      digits: 2,
      detail: `${median(own ?? []).toFixed(0)} ms ÷ ${median(floor ?? []).toFixed(0)} ms`,
    },
  ]
  return { firstCalls: first, rows }
}

async function firstCall(
  rig: Rig,
  path: string,
  event: APIGatewayProxyEventV2,
): Promise<FirstCall> {
  const handler = startHandler(rig, path)
  try {
    const call = await handler.call(event)
    if (call.statusCode >= 400) throw new Error(`A first call was answered ${call.statusCode}.`)
    return { call, start: await handler.started }
  } finally {
    await handler.stop()
  }
}

/** From the spawn to the answer, in milliseconds. */
export const total = ({ start, call }: FirstCall): number => call.end - start.spawned

const sumOfParts = ({ start, call }: FirstCall): number =>
  [...named(call, 'hash'), ...named(call, 'data-api')]
    .map(length)
    .reduce((sum, part) => sum + part, start.loaded - start.spawned)
