import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/**
 * Reads the parameters of a stage in resources/stages.yml as the framework does: its own before the default ones.
 * Throws if the table has no such stage.
 */
export function readStageTable(stage: string): Readonly<Record<string, unknown>> {
  const file = new URL('../../resources/stages.yml', import.meta.url)
  const table: Readonly<Record<string, unknown>> = Object(parse(readFileSync(file, 'utf8')))
  if (Object.hasOwn(table, stage) && stage !== 'default') {
    return { ...Object(table['default']), ...Object(table[stage]) }
  }
  const known = Object.keys(table).filter((name) => name !== 'default')
  throw new Error(
    `resources/stages.yml has no stage "${stage}", but ${known.join(', ')}. Add a row for it: that of dev is one to copy.`,
  )
}
