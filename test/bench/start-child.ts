import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'

// Loads the handler at the path, says so, and exits.
const [, , path = ''] = process.argv
createRequire(path)(path)
writeSync(1, 'loaded')
process.exit()
