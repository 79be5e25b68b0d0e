import type { CleanUps } from '../../test/support/temporary-database.ts'

/** Clean-ups that `run` performs, the last noted first, each of them once and whatever the others do. */
export function createCleanUps(): CleanUps & { run(): Promise<void> } {
  const noted: (() => Promise<void>)[] = []
  return {
    after: (cleanUp) => noted.push(cleanUp),
    async run() {
      const failures: unknown[] = []
      for (let cleanUp = noted.pop(); cleanUp; cleanUp = noted.pop()) {
        await cleanUp().catch((error: unknown) => failures.push(error))
      }
      if (failures.length > 0) throw new AggregateError(failures, 'Something was left behind.')
    },
  }
}
