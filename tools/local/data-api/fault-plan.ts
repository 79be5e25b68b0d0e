import { type FaultName, INJECTED_FAULTS, type InjectedFault } from './injected-faults.ts'

/** The faults of the next calls, in order, one a call; or what is wrong with the words. */
export type ParsedPlan =
  | { readonly ok: true; readonly plan: readonly FaultName[] }
  | { readonly ok: false; readonly problem: string }

const WORD = /^([a-z-]+)(?::([1-9]\d{0,2}))?$/

const HOW_TO_WRITE = `A plan is words of the form name or name:COUNT, with a COUNT of 1 to 999, and the names are ${Object.keys(INJECTED_FAULTS).join(', ')}.`

/** Reads a plan such as `resuming:3 reset-after, throttled`; the empty text plans nothing. */
export function parseFaultPlan(text: string): ParsedPlan {
  const plan: FaultName[] = []
  for (const word of text.split(/[\s,]+/).filter(Boolean)) {
    const [, name = '', count = '1'] = WORD.exec(word) ?? []
    if (!isFaultName(name)) {
      return { ok: false, problem: `${JSON.stringify(word)} is no fault. ${HOW_TO_WRITE}` }
    }
    for (let i = 0; i < Number(count); i += 1) plan.push(name)
  }
  return { ok: true, plan }
}

const isFaultName = (name: string): name is FaultName => Object.hasOwn(INJECTED_FAULTS, name)

/** The faults that the calls of one server still have before them. */
export function createFaultQueue() {
  let plan: readonly FaultName[] = []
  return {
    /** Puts the plan in the place of what is left of the one before. A wrong one changes nothing. */
    replace(text: string): ParsedPlan {
      const parsed = parseFaultPlan(text)
      if (parsed.ok) plan = parsed.plan
      return parsed
    },
    /** What is left, as a plan. */
    left: () => plan.join(' '),
    /** Takes the next call's fault; none means behave. */
    take(): InjectedFault | undefined {
      const [next, ...rest] = plan
      plan = rest
      return next && INJECTED_FAULTS[next]
    },
  }
}

export type FaultQueue = ReturnType<typeof createFaultQueue>
