import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { replaceBlock } from './readme-block.ts'

const ROOT = new URL('../../', import.meta.url)
const readme = readFileSync(new URL('README.md', ROOT), 'utf8')

test("README has a place for a run's figures, and nothing else of it changes", () => {
  const replaced = replaceBlock(readme, 'THE FIGURES')
  assert.match(replaced, /begin -->\n\nTHE FIGURES\n\n<!--/)
  const [before = '', after = ''] = replaced.split('THE FIGURES')
  assert.ok(readme.startsWith(before) && readme.endsWith(after))
  assert.equal(replaceBlock(replaced, 'THE FIGURES'), replaced)
})

test('README shows the picture that lies beside the bench', () => {
  assert.ok(readme.includes('(tools/bench/waterfall.svg)'))
  assert.ok(existsSync(new URL('tools/bench/waterfall.svg', ROOT)))
})

test('a README without the marks, or with two of one, is left alone', () => {
  const [begin = '', end = ''] = readme.match(/<!-- npm run bench.*?-->/g) ?? []
  for (const wrong of ['', begin, end, `${end}${begin}`, `${begin}${begin}${end}`]) {
    assert.throws(() => replaceBlock(wrong, ''), /once each/)
  }
})
