import { existsSync, readFileSync } from 'node:fs'

const STATUS = '/proc/self/status'

/**
 * The most memory that this process has had so far, in bytes (maximum resident set size). Linux hands what
 * `resourceUsage` tells on from the process that started this one, but not what it tells in its status file.
 */
export function peakMemory(): number {
  const own = existsSync(STATUS) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(STATUS, 'utf8'))
  return (own ? Number(own[1]) : process.resourceUsage().maxRSS) * 1024
}
