import { randomUUID } from 'node:crypto'
import { INJECTED_FAULTS } from '../../tools/local/data-api/injected-faults.ts'
import type { SoakRequest } from './ledger.ts'

const FAULTS = Object.keys(INJECTED_FAULTS)

/** Of a hundred requests, so many meet at least one fault. */
const FAULTY_PERCENT = 40

const percent = (share: number) => Math.random() * 100 < share
const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(Math.random() * list.length)]

/** The faults that the next calls meet, as a plan; mostly none, sometimes several. */
export function randomFaults(): string {
  if (!percent(FAULTY_PERCENT)) return ''
  const count = 1 + Math.floor(Math.random() * 3)
  return Array.from({ length: count }, () => pick(FAULTS)).join(' ')
}

/**
 * Makes requests as a crowd would: mostly of new people, half of them with an idempotency key; some come
 * again with the same request, and some want a name that somebody has.
 */
export function createTraffic(): () => SoakRequest {
  const recent: SoakRequest[] = []
  let people = 0

  function newcomer(): SoakRequest {
    people += 1
    return {
      username: `person ${people}`,
      password: `password of ${randomUUID()}`,
      idempotencyKey: percent(50) ? randomUUID() : undefined,
    }
  }

  return () => {
    const earlier = pick(recent)
    if (earlier !== undefined && percent(20)) return earlier
    if (earlier !== undefined && percent(10)) {
      return { ...newcomer(), username: earlier.username }
    }
    const request = newcomer()
    recent.push(request)
    if (recent.length > 50) recent.shift()
    return request
  }
}
