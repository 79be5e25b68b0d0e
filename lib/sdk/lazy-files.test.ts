import assert from 'node:assert/strict'
import { test } from 'node:test'
import lazyFiles from './lazy-files.ts'

test('a file is read as by node:fs/promises', async () => {
  assert.match((await lazyFiles.readFile(import.meta.filename)).toString(), /a file is read as by/)
})
