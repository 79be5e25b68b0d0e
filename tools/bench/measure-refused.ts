import { eventWith } from '../../test/support/handler.ts'
import type { Figure } from './figures.ts'
import { startHandler } from './handler-process.ts'
import type { Rig } from './rig.ts'
import { newUsername, signUpEvent } from './sign-up-events.ts'
import { length } from './spans.ts'
import { summarise } from './statistics.ts'
import { repeat } from './turns.ts'

/** Calls of each kind that are not counted: the compiler's. */
const WARM_UP = 20

/** What three mistakes take, in turns; throws if one of them costs a hash or a call. */
export async function measureRefused(rig: Rig, rounds: number): Promise<Figure> {
  const handler = startHandler(rig)
  const mistakes = [
    eventWith({ username: newUsername(), password: 'short' }),
    eventWith({ username: newUsername(), password: 'password1' }),
    eventWith('{"username":'),
  ]
  const refuseEach = async () => {
    const times: number[] = []
    for (const event of mistakes) {
      const call = await handler.call(event)
      if (call.statusCode !== 401 || call.spans.length > 0) {
        throw new Error(
          `A refusal was answered ${call.statusCode}, with ${call.spans.length} spans.`,
        )
      }
      times.push(length(call))
    }
    return times
  }
  try {
    await handler.call(signUpEvent()) // Now the process is warm, and its key is read.
    await repeat(WARM_UP, refuseEach)
    const times = await repeat(rounds, refuseEach)
    return {
      what: 'refused input',
      summary: summarise(times.flat()),
      unit: 'ms',
      digits: 1,
      atMost: 1,
      detail: 'password too short, common password, malformed JSON; no hash, no call',
    }
  } finally {
    await handler.stop()
  }
}
