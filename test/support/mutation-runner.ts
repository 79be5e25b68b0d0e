import { basename, dirname, relative } from 'node:path'
import type { Injector, PluginContext } from '@stryker-mutator/api/plugin'
import { commonTokens, declareFactoryPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin'
import type { MutantRunOptions, TestRunner } from '@stryker-mutator/api/test-runner'
import { createTapTestRunnerFactory } from '@stryker-mutator/tap-runner'

/**
 * Those of `testFiles` that cover a mutant of `file`, in the order in which they are to be tried: the tests
 * beside it, its folder's of the same first word (`smoke-steps.test.ts` for `smoke-http.ts`), its folder's,
 * then all others. The first that fails ends the mutant, and those nearest are the quickest and the likeliest
 * to fail: it is the order that bounds the time of a run.
 */
export function nearestFirst(testFiles: readonly string[], file: string): string[] {
  const name = basename(file, '.ts')
  const [firstWord = name] = name.split('-')
  const distance = (testFile: string) => {
    if (dirname(testFile) !== dirname(file)) return 3
    if (basename(testFile).startsWith(`${name}.`)) return 0
    return basename(testFile).startsWith(firstWord) ? 1 : 2
  }
  return testFiles.toSorted((a, b) => distance(a) - distance(b))
}

function createRunner(injector: Injector<PluginContext>): TestRunner {
  const tap = createTapTestRunnerFactory()(injector)
  return {
    capabilities: () => tap.capabilities(),
    init: () => tap.init(),
    dryRun: (options) => tap.dryRun(options),
    mutantRun: (options) => tap.mutantRun(sorted(options)),
  }
}
createRunner.inject = tokens(commonTokens.injector)

function sorted(options: MutantRunOptions): MutantRunOptions {
  const { testFilter, sandboxFileName } = options
  if (testFilter === undefined) return options
  const file = relative(process.cwd(), sandboxFileName)
  return { ...options, testFilter: nearestFirst(testFilter, file) }
}

/** What Stryker looks for in a plugin: its runner for TAP, with the test files in that order. */
export const strykerPlugins = [
  declareFactoryPlugin(PluginKind.TestRunner, 'tap-nearest-first', createRunner),
]

export { strykerValidationSchema } from '@stryker-mutator/tap-runner'
