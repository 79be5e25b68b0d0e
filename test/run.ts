import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { run } from 'node:test'
import { inspect, parseArgs } from 'node:util'
import { preparePglite } from './support/pglite.ts'

// npm test [-- FILE …]: runs the files, or the suite that --suite names, and prints a line a file, each skip
// with its reason, and the counts. Failures come last, each with its place.

const SUITES: Readonly<Record<string, readonly string[]>> = {
  default: ['{functions,lib,tools}/**/*.test.ts', 'test/{bundle,documents,workflows}/**/*.test.ts'],
  pauses: ['test/bundle/**/*.pauses.test.ts'],
  templates: ['test/template/**/*.test.ts'],
  'end-to-end': ['test/end-to-end/**/*.test.ts'],
  fuzz: ['{functions,lib}/**/*.fuzz.test.ts'],
}

/** Percent of lines, branches and functions that the default suite must cover. */
const COVERAGE_FLOORS = { Line: 95, Branch: 90, Function: 90 } as const

interface FileResult {
  passed: number
  failed: number
  milliseconds: number
  /** Names by reason. */
  readonly skipped: Map<string, string[]>
  output: string
}

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
if (positionals.length === 0) await preparePglite()

const results = new Map<string, FileResult>()
const resultOf = (file = '') => {
  const name = relative(process.cwd(), file)
  const none = { passed: 0, failed: 0, milliseconds: 0, output: '' }
  const result = results.get(name) ?? { ...none, skipped: new Map() }
  results.set(name, result)
  return result
}
const failures: string[] = []
const print = (line: string) => process.stdout.write(`${line}\n`)

const start = performance.now()
const events = run({
  files,
  // Many tests wait for timers and child processes.
  concurrency: availableParallelism() + 1,
  // One process packages each stage once for all files.
  ...(suite === 'templates' && { isolation: 'none' }),
  ...(coverage && {
    coverage,
    coverageIncludeGlobs: ['functions/*.ts', 'lib/**/*.ts', 'tools/**/*.ts'],
    coverageExcludeGlobs: ['**/*.test.ts'],
  }),
})
for await (const { type, data } of events) {
  if (type === 'test:pass') {
    const result = resultOf(data.file)
    if (data.skip === undefined) result.passed += 1
    else {
      const reason = String(data.skip)
      result.skipped.set(reason, [...(result.skipped.get(reason) ?? []), data.name])
    }
    if (data.nesting === 0) result.milliseconds += data.details.duration_ms
  } else if (type === 'test:fail') {
    const { error, duration_ms: milliseconds } = data.details
    const result = resultOf(data.file)
    result.failed += 1
    if (data.nesting === 0) result.milliseconds += milliseconds
    // A parent fails with its children, which are listed themselves.
    if (error.failureType === 'subtestsFailed') continue
    const place = `${relative(process.cwd(), data.file ?? '')}:${data.line}`
    failures.push(`${place}  ${data.name}\n${inspect(error.cause ?? error)}`)
  } else if (type === 'test:stdout' || type === 'test:stderr') {
    resultOf(data.file).output += data.message
  } else if (type === 'test:coverage' && positionals.length === 0) {
    const { totals } = data.summary
    for (const [kind, floor] of Object.entries(COVERAGE_FLOORS)) {
      const percent = Number(Reflect.get(totals, `covered${kind}Percent`))
      print(`${kind} coverage ${percent.toFixed(1)} %, at least ${floor}`)
      if (percent < floor) failures.push(`${kind} coverage is below ${floor} %.`)
    }
  }
}

const sum = { passed: 0, failed: 0, skipped: 0 }
for (const [file, { passed, failed, skipped, milliseconds, output }] of results) {
  sum.passed += passed
  sum.failed += failed
  const skips = [...skipped].map(([reason, names]) => {
    sum.skipped += names.length
    return `; skipped ${names.length}, ${reason}: ${names.join(', ')}`
  })
  const seconds = (milliseconds / 1000).toFixed(1).padStart(5)
  print(`${failed > 0 ? 'FAILED' : 'ok    '} ${seconds} s  ${file}  ${passed}${skips.join('')}`)
  if (failed > 0 && output) failures.push(`Output of ${file}:\n${output}`)
}
print(`in ${((performance.now() - start) / 1000).toFixed(0)} s`)
print(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
for (const failure of failures) print(`\n${failure}`)
process.exitCode = failures.length > 0 || sum.failed > 0 ? 1 : 0
