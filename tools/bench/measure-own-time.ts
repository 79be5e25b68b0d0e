import type { Figure } from './figures.ts'
import { startHandler } from './handler-process.ts'
import type { Rig } from './rig.ts'
import { signUpEvent } from './sign-up-events.ts'
import { ownTime } from './spans.ts'
import { median, summarise } from './statistics.ts'
import { repeat } from './turns.ts'

/** The lowest cost factor: what is not the hash takes as long with any, and the warm-up a quarter. */
const COST = '10'

/**
 * What a sign-up takes besides its hash and the wait for the database, in a process that has done `warmUp`
 * before: V8 compiles for good what has run some hundreds of times.
 */
export async function measureOwnTime(rig: Rig, warmUp: number, rounds: number): Promise<Figure> {
  const handler = startHandler(rig, rig.paths.bundle, { BCRYPT_COST: COST })
  const signUp = async () => {
    const call = await handler.call(signUpEvent())
    if (call.statusCode !== 201) throw new Error(`The answer was ${call.statusCode}.`)
    return ownTime(call)
  }
  try {
    await repeat(warmUp, signUp)
    const parts = await repeat(rounds, signUp)
    const part = (name: 'beforeHash' | 'beforeCall' | 'afterCall') =>
      median(parts.map((times) => times[name])).toFixed(2)
    return {
      what: 'its own time: neither hash nor wait for the answer',
      summary: summarise(parts.map(({ total }) => total)),
      unit: 'ms',
      digits: 1,
      atMost: 1,
      detail: `${part('beforeHash')} ms to read and check, ${part('beforeCall')} to serialise, sign and send the call, ${part('afterCall')} to parse its answer, sign the token, log; after ${warmUp} sign-ups`,
    }
  } finally {
    await handler.stop()
  }
}
