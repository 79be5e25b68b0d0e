import { existsSync, readFileSync, rmSync } from 'node:fs'

/** What Stryker's runner for TAP keeps in each process. */
interface Namespace {
  mutantCoverage?: { readonly static: Record<string, number>; readonly perTest: object }
}

/**
 * What a child process must be given to take part in a mutation run, as this test process does: the runner's
 * hook, the mutant, and what else the runner says by environment. Nothing in any other run.
 */
export function mutationOfThisProcess() {
  const env: Record<string, string> = {}
  for (const [name, value = ''] of Object.entries(process.env)) {
    if (/^(__)?STRYKER_/.test(name)) env[name] = value
  }
  const isMutationRun = Object.keys(env).length > 0
  return { args: isMutationRun ? process.execArgv : [], env }
}

/** Counts what the child covered, which the hook left in its working directory, as this process's. */
export function takeMutantCoverage(pid: number | undefined, directory: string): void {
  const file = `${directory}/stryker-output-${pid}.json`
  if (!existsSync(file)) return
  const theirs: Namespace = JSON.parse(readFileSync(file, 'utf8'))
  rmSync(file)
  const ours: Namespace = Reflect.get(globalThis, '__stryker__')
  ours.mutantCoverage ??= { static: {}, perTest: {} }
  const counts = ours.mutantCoverage.static
  for (const [mutant, hits] of Object.entries(theirs.mutantCoverage?.static ?? {})) {
    counts[mutant] = (counts[mutant] ?? 0) + hits
  }
}
