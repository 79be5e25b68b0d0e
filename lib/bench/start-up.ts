import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { bundle } from '../local/bundle.ts'
import { environment, readEvent } from '../testing/handler.ts'

/**
 * `node lib/bench/start-up.ts [--pairs 30] [BUNDLE …]`: bytes, start-up and peak memory of the bundles
 * (of a fresh one, if none is named) as ratios to a floor, one new process a figure, the order turned
 * round from round to round. Medians of ratios within a round, since a busy machine is busy for both.
 */

const { values, positionals } = parseArgs({
  options: { pairs: { type: 'string', default: '30' } },
  allowPositionals: true,
})

/** What any handler loads that hashes and calls AWS; the second has bcryptjs too, and does both. */
const FLOOR = `require('node:https'); require('node:crypto')`
const FLOOR_WITH_HASH = `
  import { hash } from 'bcryptjs'
  import 'node:crypto'
  import 'node:https'
  import { request } from 'node:http'
  export const handler = async (event) => {
    const password = await hash(JSON.parse(event.body).password, Number(process.env.BCRYPT_COST))
    return new Promise((resolve, reject) => {
      request(process.env.AWS_ENDPOINT_URL_RDS_DATA + '/Execute', { method: 'POST' })
        .on('response', (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end(password)
    })
  }`

/** Prints CPU (ms) and peak memory (MB): once loaded, or after one event. */
const PROBE = `
  const [, , path, event] = process.argv
  const { handler } = require(path)
  const tell = () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
    const usage = { cpu: (userCPUTime + systemCPUTime) / 1000, memory: maxRSS / 1024 }
    require('node:fs').writeSync(1, JSON.stringify(usage))
    process.exit()
  }
  const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 29000 }
  if (event === undefined) tell()
  else handler(JSON.parse(event), context).then(tell)`

interface Figures {
  /** Milliseconds from spawn until the process says that it is ready. */
  readonly wall: number
  readonly cpu: number
  readonly memory: number
}

const folder = mkdtempSync(`${tmpdir()}/latchkey-bench-`)
const file = (name: string, source: string) => {
  writeFileSync(`${folder}/${name}`, source)
  return `${folder}/${name}`
}

const records = [[{ longValue: 7 }, { stringValue: 'gary' }]]
const server = createServer((request, response) => {
  request.resume().on('end', () => response.end(JSON.stringify({ records })))
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const address = server.address()
const port = typeof address === 'object' && address !== null ? address.port : 0
// Info lines belong to a sign-up; the cost factor is the real one for the memory that it takes.
const env = {
  ...environment(`http://127.0.0.1:${port}`),
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  BCRYPT_COST: '12',
}

async function probe(path: string, ...event: readonly string[]): Promise<Figures> {
  const start = process.hrtime.bigint()
  const child = spawn(process.execPath, [probePath, path, ...event], { env })
  const ended = once(child, 'close')
  child.stderr.pipe(process.stderr)
  const [told] = await once(child.stdout, 'data')
  const wall = Number(process.hrtime.bigint() - start) / 1e6
  await ended
  return { wall, ...JSON.parse(String(told)) }
}

/** Runs all `paths` once a round and gives, for each, the ratios to the first and its own figures. */
async function compare(paths: readonly string[], rounds: number, ...event: readonly string[]) {
  const runs = new Map(paths.map((path): [string, Figures[]] => [path, []]))
  for (let round = 0; round < rounds; round++) {
    for (const path of round % 2 === 0 ? paths : paths.toReversed()) {
      runs.get(path)?.push(await probe(path, ...event))
    }
  }
  const floor = runs.get(paths[0] ?? '') ?? []
  return (path: string, key: keyof Figures) => {
    const own = runs.get(path) ?? []
    const ratios = own.map((figures, round) => figures[key] / (floor[round]?.[key] ?? Number.NaN))
    return `${median(ratios).toFixed(2)} (${median(own.map((figures) => figures[key])).toFixed(0)})`
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

const probePath = file('probe.cjs', PROBE)
const floor = file('floor.cjs', FLOOR)
const floorWithHash = `${folder}/floor-with-hash.cjs`
await build({
  stdin: { contents: FLOOR_WITH_HASH, resolveDir: import.meta.dirname },
  outfile: floorWithHash,
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
})
if (positionals.length === 0) await bundle(`${folder}/bundle`)
const bundles =
  positionals.length > 0
    ? positionals.map((path) => resolve(path))
    : [`${folder}/bundle/sign-up.cjs`]

const pairs = Number(values.pairs)
const start = await compare([floor, ...bundles], pairs)
const event = JSON.stringify(readEvent('sign-up'))
const peak = await compare([floorWithHash, ...bundles], Math.ceil(pairs / 5), event)

process.stdout.write(`Ratios to the floor (in brackets the figure itself: ms, MB)
${process.version}, ${process.arch}, medians of ${pairs} rounds for start-up, of ${Math.ceil(pairs / 5)} for memory
| bundle | bytes | start-up, wall | start-up, CPU | memory, ready | memory, after a sign-up |
| --- | --- | --- | --- | --- | --- |
${bundles
  .map((path) => {
    const name = positionals.length > 0 ? basename(path) : 'fresh'
    const figures = [start(path, 'wall'), start(path, 'cpu'), start(path, 'memory')]
    return `| ${[name, statSync(path).size, ...figures, peak(path, 'memory')].join(' | ')} |`
  })
  .join('\n')}
`)
server.close()
rmSync(folder, { recursive: true })
