import { createRequire } from 'node:module'
import { sender } from '../../test/support/handler.ts'
import { now } from './clock.ts'
import type { Job } from './handler-process.ts'
import { peakMemory } from './peak-memory.ts'
import { recordSpans } from './record-spans.ts'
import type { Call } from './spans.ts'

// A process that loads the handler at the first path and calls it with what comes from the bench: what a
// Lambda process does. The second path is the floor, which is loaded when it is first asked for.
const entered = now()
const takeSpans = recordSpans()
const [, , path = '', floorPath = ''] = process.argv
const load = (file: string) => sender(createRequire(file)(file).handler)
const handler = load(path)
const loaded = now()
let floor: typeof handler | undefined

async function perform({ target, event }: Job): Promise<Call> {
  if (target === 'floor') floor ??= load(floorPath)
  const called = target === 'floor' && floor ? floor : handler
  const start = now()
  const { statusCode = 0 } = await called(event)
  const end = now()
  const peakBytes = peakMemory()
  return { statusCode, start, end, spans: takeSpans(), peakBytes }
}

// Text, since Node's own form of messages costs the child more.
process.on('message', (job: string) => {
  void perform(JSON.parse(job)).then((call) => process.send?.(JSON.stringify(call)))
})
process.send?.(JSON.stringify({ entered, loaded }))
