import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import type { Figure } from './figures.ts'
import { floorEvents } from './floor-request.ts'
import { startHandler } from './handler-process.ts'
import type { Rig } from './rig.ts'
import { signUpEvent } from './sign-up-events.ts'
import { median, summariseRatios } from './statistics.ts'
import { inTurns, repeat } from './turns.ts'

const MB = 1e6

/** The most memory that a process has had after some sign-ups, against the floor with as many hashes and calls. */
export async function measureMemory(rig: Rig, rounds: number, signUps: number): Promise<Figure> {
  const floorEvent = await floorEvents(rig)
  const peak = async (path: string, event: () => APIGatewayProxyEventV2) => {
    const handler = startHandler(rig, path)
    try {
      const calls = await repeat(signUps, () => handler.call(event()))
      return calls.at(-1)?.peakBytes ?? Number.NaN
    } finally {
      await handler.stop()
    }
  }
  const { first, second } = await inTurns(
    rounds,
    () => peak(rig.paths.bundle, signUpEvent),
    () => peak(rig.paths.floorWithHash, floorEvent),
  )
  return {
    what: 'peak memory ÷ a bare handler that hashes and calls as often',
    summary: summariseRatios(first, second),
    unit: '',
    digits: 2,
    atMost: 1.25,
    detail: `${(median(first) / MB).toFixed(0)} MB ÷ ${(median(second) / MB).toFixed(0)} MB after ${signUps} sign-ups`,
  }
}
