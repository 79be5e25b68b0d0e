import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { text } from 'node:stream/consumers'
import { bundle } from '../../tools/build/bundle.ts'
import { mutationOfThisProcess, takeMutantCoverage } from './mutation-child.ts'

/** Flags under which code that leans on the loader's leniency fails. */
const STRICT = [
  '--disallow-code-generation-from-strings',
  '--disable-proto=throw',
  '--throw-deprecation',
  '--no-experimental-require-module',
  '--no-experimental-detect-module',
  '--no-strip-types',
]

/**
 * Bundles the function into a folder that goes with this process. `run` loads the bundle in a process
 * with nothing but `env`, under strict flags, sends it the events all at once, each with that time left of
 * Lambda's, and resolves with what it printed; the responses are the last line of stdout, as a JSON list.
 * `path` is the bundle's.
 */
export async function bundleFunction() {
  const folder = mkdtempSync(`${tmpdir()}/latchkey-bundle-`)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const metafile = await bundle(folder)

  const run = async (
    env: Readonly<Record<string, string>>,
    events: readonly unknown[],
    remainingMilliseconds = 29_000,
  ) => {
    const script = `
      const { handler } = require('${folder}/auth.cjs')
      const context = { awsRequestId: 'test', getRemainingTimeInMillis: () => ${remainingMilliseconds} }
      Promise.all(${JSON.stringify(events)}.map((event) => handler(event, context)))
        .then((responses) => console.log(JSON.stringify(responses)))`
    const mutation = mutationOfThisProcess()
    const child = spawn(process.execPath, [...mutation.args, ...STRICT, '--eval', script], {
      env: { ...env, ...mutation.env },
    })
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    takeMutantCoverage(child.pid, process.cwd())
    const statusCodes = [...stdout.matchAll(/"statusCode":(\d+)/g)].map(([, code]) => code).sort()
    return { stdout, stderr, status, statusCodes }
  }
  return { metafile, path: `${folder}/auth.cjs`, run }
}
