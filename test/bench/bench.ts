import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measureGrowth } from './measure-growth.ts'
import {
  learnSignUpFloor,
  measureNewProcesses,
  measureOwnTimes,
  measureRefused,
  measureSignIn,
  measureStartUp,
  measureTokens,
  measureWarm,
} from './measure-sign-ups.ts'
import { COST, type Rig, setUp } from './rig.ts'
import { type Row, resultTable } from './statistics.ts'
import { drawWaterfalls, firstChart, warmChart } from './waterfall.ts'

// npm run bench [-- --quick] [--write]
const ROOT = new URL('../../', import.meta.url)
const DOCUMENT = new URL('docs/performance.md', ROOT)
const BLOCK =
  /(?<=<!-- npm run bench -- --write: begin -->\n).*(?=<!-- npm run bench -- --write: end -->)/s

/** Pairs, processes or calls of each measurement. */
const FULL = {
  warm: 60,
  ownTime: 200,
  warmUp: 1000,
  refused: 300,
  startUp: 60,
  processes: 12,
  growth: 400,
  users: 1_000_000,
}
/** Fewer; few sign-ups warm up then, so own time is longer. */
const QUICK: typeof FULL = {
  warm: 12,
  ownTime: 40,
  warmUp: 200,
  refused: 60,
  startUp: 12,
  processes: 4,
  growth: 80,
  users: 200_000,
}

const say = (line: string) => process.stderr.write(`${line}\n`)

async function measure(rig: Rig, rounds: typeof FULL) {
  say('Warm sign-ups and sign-ins')
  const floor = await learnSignUpFloor(rig)
  const warm = await measureWarm(rig, floor.event, rounds.warm)
  const signIn = await measureSignIn(rig, rounds.warm)
  say('Own time')
  const own = await measureOwnTimes(rig, rounds.warmUp, rounds.ownTime)
  say('Client errors, start-up')
  const refused = await measureRefused(rig, rounds.refused)
  const tokens = await measureTokens(rounds.ownTime)
  const startUp = await measureStartUp(rig, rounds.startUp)
  say('New processes')
  const processes = await measureNewProcesses(rig, floor.event, rounds.processes)
  const rows: Row[] = [warm.row, signIn, ...own, refused, ...tokens, ...startUp, ...processes.rows]
  say(rig.hasServer ? 'Growth' : 'Growth is not measured: DATABASE_URL names no Postgres server')
  if (rig.hasServer) {
    rows.push(await measureGrowth(rig, floor.call, rounds.growth, rounds.users))
  }
  const picture = drawWaterfalls([
    firstChart(middle(processes.firstCalls, ({ total }) => total)),
    warmChart(middle(warm.signUps, ({ start, end }) => end - start)),
  ])
  return { rows, picture }
}

/** The one with the median: a real one, which a median of each part would not be. */
function middle<T>(values: readonly T[], by: (value: T) => number): T {
  const value = values.toSorted((a, b) => by(a) - by(b))[Math.floor(values.length / 2)]
  if (value !== undefined) return value
  throw new RangeError('Nothing was measured.')
}

/** What the figures depend on. */
function describeMachine({ database }: Rig): string {
  const { version } = JSON.parse(
    readFileSync(new URL('node_modules/bcryptjs/package.json', ROOT), 'utf8'),
  )
  return [
    `${cpus()[0]?.model.replaceAll(/\s+/g, ' ').trim() || 'unknown processor'}, ${process.arch}`,
    `${availableParallelism()} cores, ${Math.round(totalmem() / 1024 ** 3)} GB`,
    `Node ${process.versions.node}`,
    database,
    `bcryptjs ${version} at cost ${COST}`,
    'the local Data API over plain HTTP on loopback.',
  ].join('; ')
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  })
  const { quick, write } = values
  if (quick && write) throw new TypeError('--write needs a full run: leave --quick out.')
  const document = await readFile(DOCUMENT, 'utf8')
  if (!BLOCK.test(document)) throw new Error('docs/performance.md has lost its marks.')

  const [load = 0] = loadavg()
  if (load > availableParallelism() / 4) say(`The machine is busy (load ${load.toFixed(1)}).`)
  const cleanUps: (() => Promise<void>)[] = []
  /** Takes every step, the last one first, and reports those that fail. */
  const cleanUp = async () => {
    for (let work = cleanUps.pop(); work; work = cleanUps.pop()) {
      await work().catch((error: unknown) => say(`A clean-up failed: ${error}`))
    }
  }
  process.once('SIGINT', () => void cleanUp().finally(() => process.exit(130)))
  try {
    const rig = await setUp({ after: (work) => cleanUps.push(work) })
    const { rows, picture } = await measure(rig, quick ? QUICK : FULL)
    const report = `${describeMachine(rig)}\n\n${resultTable(rows)}\n`
    process.stdout.write(report)
    if (quick) say('The bounds are for a full run: a quick one is too short for them.')
    const file = new URL(write ? 'docs/waterfall.svg' : '.local/waterfall.svg', ROOT)
    await mkdir(new URL('.', file), { recursive: true })
    await writeFile(file, picture)
    say(`The picture: ${fileURLToPath(file)}`)
    const updated = document.replace(BLOCK, () => `\n${report}\n`)
    if (write) await writeFile(DOCUMENT, updated)
  } finally {
    await cleanUp()
  }
}

await main(process.argv.slice(2))
