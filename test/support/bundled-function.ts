import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { text } from 'node:stream/consumers'
import { bundle } from '../../tools/build/bundle.ts'
import { mutationOfThisProcess, takeMutantCoverage } from './mutation-child.ts'

/** Flags under which code that relies on the loader's leniency fails. */
const STRICT = [
  '--disallow-code-generation-from-strings',
  '--disable-proto=throw',
  '--throw-deprecation',
  '--no-experimental-require-module',
  '--no-experimental-detect-module',
  '--no-strip-types',
]

interface RunOptions {
  /** Milliseconds left of each request's time, as Lambda's context says. */
  readonly remainingMilliseconds?: number
  /** Sends each event after the response to the previous one, instead of all concurrently. */
  readonly inTurn?: boolean
}

/**
 * Bundles the function into a folder that is removed when this process exits. `path` is the bundle's.
 *
 * `run` loads the bundle in a process with only `env` and strict flags, sends it the events, and resolves with its
 * output. The responses are the last line of stdout, as a JSON list; `statusCodes` are theirs, sorted unless `inTurn`
 * is set.
 */
export async function bundleFunction() {
  const folder = mkdtempSync(`${tmpdir()}/latchkey-bundle-`)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const metafile = await bundle(folder)

  const run = async (
    env: Readonly<Record<string, string>>,
    events: readonly unknown[],
    { remainingMilliseconds = 29_000, inTurn = false }: RunOptions = {},
  ) => {
    const script = `
      const { handler } = require('${folder}/auth.cjs')
      const context = { awsRequestId: 'test', getRemainingTimeInMillis: () => ${remainingMilliseconds} }
      const responses = []
      let last
      for (const event of ${JSON.stringify(events)}) {
        const send = () => handler(event, context)
        last = ${inTurn} ? Promise.resolve(last).then(send) : send()
        responses.push(last)
      }
      Promise.all(responses).then((all) => {
        // A connection that hangs would keep the process running, and Lambda does not wait for one.
        process.stdout.write(JSON.stringify(all) + '\\n', () => ${inTurn} && process.exit())
      })`
    const mutation = mutationOfThisProcess()
    const child = spawn(process.execPath, [...mutation.args, ...STRICT, '-'], {
      env: { ...env, ...mutation.env },
    })
    child.stdin.end(script) // Events can be longer than an argument may be.
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    takeMutantCoverage(child.pid, process.cwd())
    const codes = [...stdout.matchAll(/"statusCode":(\d+)/g)].map(([, code]) => code)
    return { stdout, stderr, status, statusCodes: inTurn ? codes : codes.sort() }
  }
  return { metafile, path: `${folder}/auth.cjs`, run }
}
