import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { environment } from '../../test/support/handler.ts'
import { bundleChildren } from './bundle-children.ts'
import { type StartUp, startOnce } from './measure-start-up.ts'
import { summariseRatios } from './statistics.ts'

// `node tools/bench/compare-bundles.ts [--pairs 30] BUNDLE …`: bytes of bundles, and their start-up as ratios to
// that of a handler with node:https and node:crypto alone. For whoever cuts the bundle down.

const { values, positionals } = parseArgs({
  options: { pairs: { type: 'string', default: '30' } },
  allowPositionals: true,
})
const folder = mkdtempSync(`${tmpdir()}/latchkey-bundles-`)
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const children = await bundleChildren(folder)
const rig = { env: environment('http://127.0.0.1:9'), paths: children }
const paths = [children.floor, ...positionals.map((path) => resolve(path))]

const runs = new Map(paths.map((path): [string, StartUp[]] => [path, []]))
for (let round = 0; round < Number(values.pairs); round += 1) {
  // In turns, and each round from the other end.
  for (const path of round % 2 === 0 ? paths : paths.toReversed()) {
    runs.get(path)?.push(await startOnce(rig, path))
  }
}

const times = (path: string, key: keyof StartUp) => runs.get(path)?.map((run) => run[key]) ?? []
const ratio = (path: string, key: keyof StartUp) =>
  summariseRatios(times(path, key), times(children.floor, key)).median.toFixed(2)

process.stdout.write(
  '| bundle | bytes | start-up, wall | start-up, CPU |\n| --- | --- | --- | --- |\n',
)
for (const path of paths.slice(1)) {
  const { size } = statSync(path)
  process.stdout.write(
    `| ${basename(path)} | ${size} | ${ratio(path, 'wall')} | ${ratio(path, 'cpu')} |\n`,
  )
}
