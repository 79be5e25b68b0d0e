import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import {
  measureBundle,
  measureNewProcesses,
  measureOwnTime,
  measureSessions,
  measureWarm,
} from './measurements.ts'
import { COST, type Rig, setUp } from './rig.ts'
import { brokenBounds, resultTable } from './statistics.ts'

// npm run bench [-- --write]: measures, prints the table, and exits with 1 if a bound is broken. With --write a
// result within its bounds also goes into docs/performance.md.

const ROOT = new URL('../../', import.meta.url)
const DOCUMENT = new URL('docs/performance.md', ROOT)
const BLOCK =
  /(?<=<!-- npm run bench -- --write: begin -->\n).*(?=<!-- npm run bench -- --write: end -->)/s

const say = (line: string) => process.stderr.write(`${line}\n`)

/** Describes the machine and the versions that the figures depend on. */
async function describeMachine({ database }: Rig): Promise<string> {
  const bcryptjs = new URL('node_modules/bcryptjs/package.json', ROOT)
  const { version } = JSON.parse(await readFile(bcryptjs, 'utf8'))
  return [
    `${cpus()[0]?.model.replaceAll(/\s+/g, ' ').trim() || 'unknown processor'}, ${process.arch}`,
    `${availableParallelism()} cores, ${Math.round(totalmem() / 1024 ** 3)} GB`,
    `Node ${process.versions.node}`,
    database,
    `bcryptjs ${version} at cost ${COST}`,
    'the local Data API over plain HTTP on loopback.',
  ].join('; ')
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
  const document = await readFile(DOCUMENT, 'utf8')
  if (!BLOCK.test(document)) throw new Error('docs/performance.md has lost its marks.')

  const [load = 0] = loadavg()
  if (load > availableParallelism() / 4) say(`The machine is busy (load ${load.toFixed(1)}).`)
  const cleanUps: (() => Promise<void>)[] = []
  /** Takes every step, the last one first, and reports those that fail. */
  const cleanUp = async () => {
    for (let step = cleanUps.pop(); step; step = cleanUps.pop()) {
      await step().catch((error: unknown) => say(`A clean-up failed: ${error}`))
    }
  }
  process.once('SIGINT', () => void cleanUp().finally(() => process.exit(130)))
  try {
    const rig = await setUp({ after: (work) => cleanUps.push(work) })
    say('Warm sign-ups and sign-ins')
    const warm = await measureWarm(rig, 60)
    say('Own time')
    const own = await measureOwnTime(rig, 1000, 500)
    say('New processes')
    const processes = await measureNewProcesses(rig, 40, 6)
    say('Sessions')
    const sessions = await measureSessions(rig, 60, 1_000_000)
    const rows = [...warm, ...own, ...processes, ...sessions, await measureBundle(rig)]
    const report = `${await describeMachine(rig)}\n\n${resultTable(rows)}\n`
    process.stdout.write(report)
    const broken = brokenBounds(rows)
    for (const what of broken) say(`Broken bound: ${what}`)
    if (broken.length > 0) process.exitCode = 1
    else if (values.write)
      await writeFile(
        DOCUMENT,
        document.replace(BLOCK, () => `\n${report}\n`),
      )
  } finally {
    await cleanUp()
  }
}

await main()
