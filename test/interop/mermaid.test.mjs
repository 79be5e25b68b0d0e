import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import DOMPurify from 'dompurify'
import mermaid from 'mermaid'

// GitHub draws a diagram that mermaid parses, and shows an error in place of any other.

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

// DOMPurify needs a browser's DOM. Mermaid purifies labels with it, which are not tested here.
Object.assign(DOMPurify, { addHook() {}, sanitize: (html) => html })

// The files that git tracks, or would: not those of packages.
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
const diagrams = files
  .split('\n')
  .filter(Boolean)
  .flatMap((file) => {
    const text = readFileSync(`${ROOT}${file}`, 'utf8')
    return Array.from(text.matchAll(/^ *```mermaid\n(.*?)^ *```$/gms), ({ 1: diagram, index }) => ({
      place: `${file}:${text.slice(0, index).split('\n').length}`,
      diagram,
    }))
  })

test('there are diagrams', () => assert.ok(diagrams.length > 0))

test('a flowchart with a label parses', async () => {
  const { diagramType } = await mermaid.parse('flowchart LR\n  a["<b>open</b>"] --> b\n')
  assert.match(diagramType, /^flowchart/)
})

test('an invalid diagram does not parse', () =>
  assert.rejects(mermaid.parse('flowchart LR\n  a[open --> b\n'), /^Error: Parse error/))

for (const { place, diagram } of diagrams) {
  test(`mermaid parses ${place}`, async () => {
    const { diagramType } = await mermaid.parse(diagram)
    assert.ok(diagramType)
  })
}
