type Rule = readonly [wanted: string, valid: RegExp]

const BOOLEAN: Rule = ['true or false', /^(true|false)$/i]

/** What Powertools reads of the environment by itself, and throws at or passes over where it is wrong. */
const RULES: Readonly<Record<string, Rule>> = {
  POWERTOOLS_LOG_LEVEL: [
    'TRACE, DEBUG, INFO, WARN, ERROR, CRITICAL or SILENT',
    /^(trace|debug|info|warn|error|critical|silent)$/i,
  ],
  POWERTOOLS_METRICS_DISABLED: BOOLEAN,
  POWERTOOLS_LOGGER_LOG_EVENT: BOOLEAN,
  POWERTOOLS_DEV: BOOLEAN,
  POWERTOOLS_LOGGER_SAMPLE_RATE: ['a number from 0 to 1', /^(0|1|0?\.\d+|1\.0+)$/],
}

/**
 * Takes from `env` what Powertools could not read, or what is set to nothing, so that there is a log to tell
 * of it in. Returns what was wrong, a sentence a variable, without values.
 */
export function takeUnreadable(env: NodeJS.Dict<string>): string[] {
  return Object.entries(RULES).flatMap(([name, [wanted, valid]]) => {
    const value = env[name]
    if (value === undefined || valid.test(value)) return []
    delete env[name]
    return value === '' ? [] : [`${name} is wrong: it must be ${wanted}`]
  })
}
