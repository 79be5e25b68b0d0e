import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createCleanUps } from './clean-ups.ts'
import { costTable } from './cost.ts'
import { describeLoad, describeMachine } from './machine.ts'
import { measureAll } from './measure-all.ts'
import { type Options, readOptions } from './options.ts'
import { replaceBlock } from './readme-block.ts'
import { setUp } from './rig.ts'
import { resultTable } from './table.ts'
import { drawWaterfalls } from './waterfall-svg.ts'

// npm run bench [-- --quick] [--json] [--users 10000000] [--write]
const README = new URL('../../README.md', import.meta.url)
const PICTURE = new URL('waterfall.svg', import.meta.url)
/** Where the picture goes of a run that README does not show; git ignores the folder. */
const LOCAL_PICTURE = new URL('../../.local/waterfall.svg', import.meta.url)

const say = (line: string) => process.stderr.write(`${line}\n`)

async function run(options: Options, cleanUps: ReturnType<typeof createCleanUps>): Promise<void> {
  const load = describeLoad()
  if (load) say(load)
  say('Bundling, and opening a database')
  const rig = await setUp(cleanUps)
  const machine = describeMachine(rig)
  say(machine)
  const started = performance.now()
  const { rows, charts, hashMs } = await measureAll(rig, options, say)
  say(`Measured in ${((performance.now() - started) / 60_000).toFixed(1)} minutes`)

  const report = `${machine}\n\n${resultTable(rows)}\n\n${costTable(hashMs)}`
  const picture = options.write ? PICTURE : LOCAL_PICTURE
  await mkdir(new URL('.', picture), { recursive: true })
  await writeFile(picture, drawWaterfalls(charts))
  say(`Its picture: ${fileURLToPath(picture)}`)
  if (options.write) {
    await writeFile(README, replaceBlock(await readFile(README, 'utf8'), report))
  }
  const output = options.json
    ? JSON.stringify({ machine, rows, hashMs, waterfalls: charts }, null, 2)
    : report
  process.stdout.write(`${output}\n`)
}

function parse(args: readonly string[]): Options | undefined {
  try {
    return readOptions(args)
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 2
    return undefined
  }
}

const options = parse(process.argv.slice(2))
const cleanUps = createCleanUps()
process.once('SIGINT', () => {
  void cleanUps.run().finally(() => process.exit(130))
})
try {
  if (options) await run(options, cleanUps)
} finally {
  await cleanUps.run()
}
