import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'

// Loads the handler at the path, prints the CPU milliseconds of the whole process until then, and exits.
const [, , path = ''] = process.argv
createRequire(path)(path)
const { user, system } = process.cpuUsage()
writeSync(1, String((user + system) / 1000))
process.exit()
