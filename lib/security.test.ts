import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readText } from './testing/yaml.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const security = readText('SECURITY.md')

/** A file of this repository, and the heading in it that is linked to, as in `[text](file#heading)`. */
const linksIn = (text: string) =>
  [...text.matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)].map(([, file, heading]) => ({
    file: file || 'SECURITY.md',
    heading,
  }))

/** The anchors that GitHub gives a document's headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

/** The rows of the table under the heading: the source, what it asks, the verdict. */
const rows = (/\n## The standards, line by line\n(.*?)\n##+ /s.exec(security)?.[1] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (source|---) /.test(line))
  .map((line) => line.slice(2, -2).split(' | '))

test('every link of SECURITY.md leads to a file, and to a heading that is in it', () => {
  const links = linksIn(security)
  assert.ok(links.length > 30)
  for (const { file, heading } of links) {
    assert.ok(existsSync(ROOT + file), file)
    if (heading !== undefined) assert.ok(anchorsOf(readText(file)).includes(heading), heading)
  }
})

test('every line of the standards has one of three verdicts, and "not met" its reason', () => {
  assert.ok(rows.length > 30)
  for (const row of rows) {
    assert.equal(row.length, 3, row.join(' | '))
    assert.match(row[2] ?? '', /^(met by \[|not met because \S|not ours: \S)/, row[1])
  }
})

test('every line that is met names a test file, and titles that are in it', () => {
  for (const [, asks, verdict = ''] of rows) {
    const tests = [...verdict.matchAll(/\]\((\S+\.test\.ts)\)(?: holds)? \(([^)]*)\)/g)]
    if (verdict.startsWith('met by')) assert.ok(tests.length > 0, asks)
    for (const [, file = '', titles = ''] of tests) {
      const text = readText(file)
      for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) {
        assert.ok(text.includes(title), `${file} has no test "${title}"`)
      }
      assert.match(titles, /^"/, `${file}: name a test by its title`)
    }
  }
})

test('README and DESIGN lead to it', () => {
  for (const file of ['README.md', 'DESIGN.md']) {
    assert.match(readText(file), /\]\(SECURITY\.md\)/, file)
  }
})
