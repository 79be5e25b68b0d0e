import { existsSync, readFileSync, rmSync } from 'node:fs'

/** The state of Stryker's TAP runner in each process. */
interface Namespace {
  mutantCoverage?: { readonly static: Record<string, number>; readonly perTest: object }
}

/**
 * Returns the arguments and variables with which a child process takes part in a mutation run, as this test process
 * does: the runner's hook, the mutant and the runner's other variables. Both are empty in any other run.
 */
export function mutationOfThisProcess() {
  const env: Record<string, string> = {}
  for (const [name, value = ''] of Object.entries(process.env)) {
    if (/^(__)?STRYKER_/.test(name)) env[name] = value
  }
  const isMutationRun = Object.keys(env).length > 0
  return { args: isMutationRun ? process.execArgv : [], env }
}

/** Adds the child's coverage, which the hook wrote to its working directory, to that of this process. */
export function takeMutantCoverage(pid: number | undefined, directory: string): void {
  const file = `${directory}/stryker-output-${pid}.json`
  if (!existsSync(file)) return
  const childState: Namespace = JSON.parse(readFileSync(file, 'utf8'))
  rmSync(file)
  const ownState: Namespace = Reflect.get(globalThis, '__stryker__')
  ownState.mutantCoverage ??= { static: {}, perTest: {} }
  const counts = ownState.mutantCoverage.static
  for (const [mutant, hits] of Object.entries(childState.mutantCoverage?.static ?? {})) {
    counts[mutant] = (counts[mutant] ?? 0) + hits
  }
}
