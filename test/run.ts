import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative, resolve } from 'node:path'
import { run } from 'node:test'
import { inspect, parseArgs } from 'node:util'
import { ignoreClosedPipes } from '../tools/command-line.ts'
import { preparePglite } from './support/pglite.ts'

// npm test [-- FILE …]: runs the files, or the suite that --suite names. Prints files as they end, the reasons
// of skips, and the counts. Failures come last, each with its place.

const SUITES: Readonly<Record<string, readonly string[]>> = {
  default: ['{functions,lib,tools}/**/*.test.ts', 'test/{bundle,documents,workflows}/**/*.test.ts'],
  pauses: ['test/bundle/**/*.pauses.test.ts'],
  templates: ['test/template/**/*.test.ts'],
  'end-to-end': ['test/end-to-end/**/*.test.ts'],
  upgrade: ['test/upgrade/**/*.test.ts'],
  fuzz: ['{functions,lib}/**/*.fuzz.test.ts'],
}

/** Percent of lines, branches and functions that the default suite must cover. */
const COVERAGE_MINIMUM = { Line: 95, Branch: 90, Function: 90 } as const

/** Lines of progress at most; a line names several files if there are more. */
const PROGRESS_LINES = 60

const { values, positionals } = parseArgs({
  options: {
    suite: { type: 'string', default: 'default' },
    coverage: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const { suite, coverage } = values
const files =
  positionals.length > 0
    ? positionals
    : globSync([...(SUITES[suite] ?? [])])
        .filter((file) => !file.includes('node_modules'))
        .filter((file) => suite === 'pauses' || !file.endsWith('.pauses.test.ts'))
        .sort()
if (files.length === 0) throw new Error(`There are no tests in ${suite}.`)
if (suite === 'fuzz') process.env['FUZZ_AT_LENGTH'] = 'true'
ignoreClosedPipes()
await preparePglite()

const sum = { passed: 0, failed: 0, skipped: 0 }
const failedFiles = new Set<string>()
const outputs = new Map<string, string>()
const skips = new Map<string, number>()
const failures: string[] = []
const print = (line: string) => process.stdout.write(`${line}\n`)
const nameOf = (file = '') => relative(process.cwd(), file)

// In one process, which packages each stage once for all files, the ends of files are not reported.
const ended: string[] = []
let endedFiles = 0
let isCovered = false

/** Prints the files that have ended, once they fill a line. */
function printProgress(text: string, passed: boolean): void {
  ended.push(`${passed ? '' : 'FAILED '}${text}`)
  endedFiles += 1
  const isFull = ended.length >= files.length / PROGRESS_LINES
  if (!isFull && passed && endedFiles < files.length) return
  const count = `${endedFiles} of ${files.length}`.padStart(10)
  print(`${count}  ${ended.splice(0).join(', ')}`)
}

const start = performance.now()
const events = run({
  files,
  // Many tests wait for timers and child processes.
  concurrency: availableParallelism() + 1,
  ...(coverage && {
    coverage,
    coverageIncludeGlobs: ['functions/*.ts', 'lib/**/*.ts', 'tools/**/*.ts'],
    coverageExcludeGlobs: ['**/*.test.ts'],
  }),
})
for await (const { type, data } of events) {
  if (type === 'test:complete') {
    // Reported at once. The other events of a file wait for the files before it.
    const { name, file = '', details } = data
    const seconds = (details.duration_ms / 1000).toFixed(1)
    if (resolve(name) === file) printProgress(`${nameOf(file)} ${seconds} s`, details.passed)
  } else if (type === 'test:pass') {
    // Node reports a file without tests as a test of the file's name.
    if (resolve(data.name) === data.file) failures.push(`${nameOf(data.file)} has no tests.`)
    else if (data.skip === undefined) sum.passed += 1
    else {
      sum.skipped += 1
      skips.set(String(data.skip), (skips.get(String(data.skip)) ?? 0) + 1)
    }
  } else if (type === 'test:fail') {
    const { error } = data.details
    sum.failed += 1
    failedFiles.add(nameOf(data.file))
    // A parent fails with its children, which are listed themselves.
    if (error.failureType === 'subtestsFailed') continue
    failures.push(
      `${nameOf(data.file)}:${data.line}  ${data.name}\n${inspect(error.cause ?? error)}`,
    )
  } else if (type === 'test:stdout' || type === 'test:stderr') {
    const file = nameOf(data.file)
    outputs.set(file, (outputs.get(file) ?? '') + data.message)
  } else if (type === 'test:coverage') {
    isCovered = true
    if (positionals.length > 0) continue
    const { totals } = data.summary
    for (const [kind, minimum] of Object.entries(COVERAGE_MINIMUM)) {
      const percent = Number(Reflect.get(totals, `covered${kind}Percent`))
      print(`${kind} coverage ${percent.toFixed(1)} %, at least ${minimum}`)
      if (percent < minimum) failures.push(`${kind} coverage is below ${minimum} %.`)
    }
  }
}

if (coverage && !isCovered) failures.push('There is no report of the coverage.')
for (const [file, output] of outputs) {
  if (failedFiles.has(file)) failures.push(`Output of ${file}:\n${output}`)
}
for (const [reason, count] of skips) print(`skipped ${count}: ${reason}`)
print(`in ${((performance.now() - start) / 1000).toFixed(0)} s`)
print(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
for (const failure of failures) print(`\n${failure}`)
// Otherwise Node's own exit code stands, such as that of an error after the last test.
if (failures.length > 0 || sum.failed > 0) process.exitCode = 1
