import { exactly, type Figure } from './figures.ts'
import { floorEvents } from './floor-request.ts'
import { startHandler } from './handler-process.ts'
import type { Rig } from './rig.ts'
import { newUsername, signUpEvent } from './sign-up-events.ts'
import { type Call, length, named } from './spans.ts'
import { median, summariseRatios } from './statistics.ts'
import { inTurns, repeat } from './turns.ts'

/** Rounds that are not counted. */
const WARM_UP = 5

/** A sign-up in a process that has done some, against its floor in the same process. */
export async function measureWarm(rig: Rig, rounds: number) {
  const floorEvent = await floorEvents(rig)
  const handler = startHandler(rig)
  const statements: number[] = []
  const signUp = async (username = newUsername(), status = 201): Promise<Call> => {
    const before = rig.statements()
    const call = await handler.call(signUpEvent(username))
    expectStatus(call, status)
    statements.push(Math.max(rig.statements() - before, named(call, 'data-api').length))
    return call
  }
  const floor = async () => {
    const call = await handler.call(floorEvent(), 'floor')
    expectStatus(call, 200)
    return call
  }
  try {
    await inTurns(WARM_UP, signUp, floor)
    const { first: signUps, second: floors } = await inTurns(rounds, () => signUp(), floor)
    const created = statements.length
    const name = newUsername()
    await signUp(name)
    await repeat(WARM_UP, () => signUp(name, 400))
    return {
      signUps,
      hashMs: median(signUps.flatMap((call) => named(call, 'hash').map(length))),
      againstFloor: againstFloor(signUps, floors),
      calls: callsOf(statements, created + 1),
    }
  } finally {
    await handler.stop()
  }
}

function againstFloor(signUps: readonly Call[], floors: readonly Call[]): Figure {
  const [own, least] = [signUps, floors].map((calls) => calls.map(length))
  return {
    what: 'warm sign-up ÷ the same hash and a bare round trip',
    summary: summariseRatios(own ?? [], least ?? []),
    unit: '',
    digits: 3,
    atMost: 1.01,
    detail: `${median(own ?? []).toFixed(0)} ms ÷ ${median(least ?? []).toFixed(0)} ms in one process`,
  }
}

function callsOf(statements: readonly number[], created: number): Figure {
  return {
    what: 'Data API calls a sign-up',
    summary: exactly(Math.max(...statements)),
    unit: '',
    digits: 0,
    atMost: 1,
    detail: `${created} created, ${statements.length - created} taken; none with more`,
  }
}

function expectStatus({ statusCode }: Call, status: number): void {
  if (statusCode !== status) throw new Error(`The answer was ${statusCode} in place of ${status}.`)
}
